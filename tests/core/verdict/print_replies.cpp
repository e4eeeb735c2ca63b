// print_replies: what Postfix's own parser is tried with (tests/system/test_postfix_parser.py)
//
//   print_replies FORM COUNT SEED    COUNT replies to verdicts made of chance, one a line
// FORM is legacy or tlsrpt. A line is a whole socketmap reply, netstring and all. The same seed
// gives the same lines. Three quarters are policies to enforce, the rest whatever comes of the
// evidence.
// SPDX-License-Identifier: BSD-3-Clause
#include "postseal/verdict/reply.h"
#include "postseal/wire/socketmap.h"

#include "core/verdict/some_evidence.h"

#include <fmt/format.h>

#include <cstdlib>
#include <exception>
#include <initializer_list>
#include <random>
#include <string>

namespace {

using namespace postseal;
using namespace postseal::verdict;

// As libFuzzer's FuzzedDataProvider; texts are mostly what a policy's line may be.
class Dice {
  public:
    explicit Dice(unsigned seed) : random_(seed) {}
    bool ConsumeBool() { return random_() % 2 == 0; }
    template <class T> T ConsumeIntegral() { return static_cast<T>(random_()); }
    template <class T> T ConsumeIntegralInRange(T least, T most) {
        return std::uniform_int_distribution<T>(least, most)(random_);
    }
    template <class T> T PickValueInArray(std::initializer_list<T> list) {
        return list.begin()[random_() % list.size()];
    }
    std::string ConsumeRandomLengthString(std::size_t most) {
        std::string text(random_() % (most + 1), ' ');
        for (char& c : text) {
            const bool any = random_() % 50 == 0;
            c = static_cast<char>(any ? random_() % 256 : ' ' + random_() % 95);
        }
        return text;
    }

  private:
    std::mt19937_64 random_;
};

constexpr WallTime now(milliseconds(0));

Evidence evidence_of(Dice& dice, bool to_enforce) {
    Evidence evidence = test::some_evidence(dice);
    evidence.override_.reset();
    if (!to_enforce) return evidence;
    evidence.mx.state = MxState::insecure;
    evidence.sts.policy = test::some_policy(dice);
    evidence.sts.policy->mode = mtasts::Mode::enforce;
    evidence.sts.expires_at = now + milliseconds(1);
    return evidence;
}

std::string wire_of(const Reply& reply) {
    switch (reply.kind) {
    case Reply::Kind::ok:
        return wire::socketmap::ok(reply.text);
    case Reply::Kind::not_found:
        return wire::socketmap::not_found();
    case Reply::Kind::temp:
        break;
    }
    return wire::socketmap::temp(reply.text);
}

int run(int argc, char** argv) {
    const auto form = argc == 4 ? form_names.find(argv[1]) : std::nullopt;
    if (!form) {
        fmt::print(stderr, "usage: print_replies legacy|tlsrpt COUNT SEED\n");
        return 64;
    }
    Dice dice(static_cast<unsigned>(std::strtoul(argv[3], nullptr, 10)));
    for (unsigned long left = std::strtoul(argv[2], nullptr, 10); left > 0; left--) {
        const Evidence evidence = evidence_of(dice, left % 4 != 0);
        const Verdict verdict = decide(evidence, Options{}, now);
        const Match match = dice.ConsumeBool() ? Match::mx : Match::patterns;
        const ReplyOptions options{
            .form = *form, .match = match, .no_policy = dice.ConsumeBool() ? "may" : ""};
        fmt::print("{}\n", wire_of(render(verdict, evidence, options)));
    }
    return 0;
}

} // namespace

int main(int argc, char** argv) {
    try {
        return run(argc, argv);
    } catch (const std::exception& bug) {
        fmt::print(stderr, "print_replies: {}\n", bug.what());
        return 70;
    }
}
