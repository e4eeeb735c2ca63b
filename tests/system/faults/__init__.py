# faults: what can befall the daemon, made on purpose (../test_faults.py, ../reliability.py)
# SPDX-License-Identifier: BSD-3-Clause
