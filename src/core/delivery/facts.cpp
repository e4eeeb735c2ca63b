// SPDX-License-Identifier: BSD-3-Clause
#include "postseal/delivery/facts.h"

#include "postseal/base/names.h"

namespace postseal::delivery {

constexpr auto step_names = names_for<Step>({
    {Step::connect, "connect"},
    {Step::greeting, "greeting"},
    {Step::ehlo, "EHLO"},
    {Step::starttls, "STARTTLS"},
    {Step::handshake, "TLS handshake"},
});
std::string_view to_string(Step step) { return step_names[step]; }

bool Attempt::answered() const { return !fault || fault->step > Step::ehlo; }

} // namespace postseal::delivery
