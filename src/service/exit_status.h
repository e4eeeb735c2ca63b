// service/exit_status.h: what postseald(8) ends with, by sysexits(3)
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

namespace postseal::service {

inline constexpr int usage = 64;
inline constexpr int cannot_listen = 69; // EX_UNAVAILABLE, or a predecessor does not hand over
inline constexpr int defect = 70;
inline constexpr int bad_config = 78;

} // namespace postseal::service
