// survey/name_server.h: does a resolver of Postfix's validate?
//
// Asks for the SOA record of the root, which is signed, with the DO bit (RFC 4035 section 3.2.1) as
// smtp(8) does under smtp_dns_support_level = dnssec, and looks for the AD bit. A resolver whose
// clock or ours is wrong answers SERVFAIL: then the signature is asked for once more with the CD
// bit. Its times say whether the clock can be right.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "postseal/doctor/facts.h"

#include <string>

namespace postseal::survey {

// `address`: in numbers, as in resolv.conf(5), or "ADDRESS@PORT". Waits for 5 s twice at most, as
// libresolv does.
[[nodiscard]] doctor::NameServer ask_name_server(const std::string& address);

} // namespace postseal::survey
