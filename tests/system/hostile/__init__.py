# hostile: servers that mean harm, as programs: name servers and policy hosts
# SPDX-License-Identifier: BSD-3-Clause
