// SPDX-License-Identifier: BSD-3-Clause
#include "postseal/delivery/facts.h"

namespace postseal::delivery {

std::string_view to_string(Step step) {
    switch (step) {
    case Step::connect:
        return "connect";
    case Step::greeting:
        return "greeting";
    case Step::ehlo:
        return "EHLO";
    case Step::starttls:
        return "STARTTLS";
    case Step::handshake:
        return "TLS handshake";
    }
    return "?";
}

bool Attempt::answered() const { return !fault || fault->step > Step::ehlo; }

} // namespace postseal::delivery
