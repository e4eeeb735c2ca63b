// SPDX-License-Identifier: BSD-3-Clause
#include "cli/probe_text.h"

#include "postseal/delivery/names.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <string_view>
#include <utility>
#include <vector>

namespace postseal::cli {
namespace {

using namespace delivery;
using Result = dane::RecordMatch::Result;

constexpr std::chrono::days soon{14};

class Painter {
  public:
    explicit Painter(Colour colour) : colour_(colour) {}
    [[nodiscard]] std::string good(std::string_view text) const { return paint("32", text); }
    [[nodiscard]] std::string doubtful(std::string_view text) const { return paint("33", text); }
    [[nodiscard]] std::string bad(std::string_view text) const { return paint("31", text); }

  private:
    [[nodiscard]] std::string paint(std::string_view code, std::string_view text) const {
        if (colour_ == Colour::no) return std::string(text);
        return fmt::format("\x1b[1;{}m{}\x1b[0m", code, text);
    }
    Colour colour_;
};

// The subject is whoever decides: Postfix, or the host that it comes to.
std::string outcome_text(const Attempt& attempt, Outcome outcome, const Painter& paint) {
    switch (outcome) {
    case Outcome::sealed:
        return paint.good("Postfix delivers, sealed");
    case Outcome::encrypted:
        return paint.doubtful("Postfix delivers, encrypted, not authenticated");
    case Outcome::clear:
        return paint.bad("Postfix delivers in the clear");
    case Outcome::refused:
        return paint.bad("Postfix does not deliver here");
    case Outcome::unreachable:
        return paint.bad(attempt.fault && attempt.fault->step != Step::connect
                             ? "the host takes no mail now"
                             : "the host cannot be reached");
    case Outcome::unknown:
        return paint.doubtful("what Postfix does is not known");
    }
    return "?";
}

std::string message_outcome_text(const MessageOutcome& outcome, const Painter& paint) {
    switch (outcome.kind) {
    case MessageOutcome::Kind::sealed:
        return paint.good("goes sealed");
    case MessageOutcome::Kind::encrypted:
        return paint.doubtful("goes encrypted, but not sealed");
    case MessageOutcome::Kind::clear:
        return paint.bad("goes in the clear");
    case MessageOutcome::Kind::deferred:
        return paint.bad("is deferred");
    case MessageOutcome::Kind::bounced:
        return paint.bad("is bounced");
    case MessageOutcome::Kind::unknown:
        return paint.doubtful("cannot be predicted");
    }
    return "?";
}

std::string day(WallTime time) { return rfc3339(time).substr(0, 10); }

std::string certificate_text(const Certificate& certificate) {
    return fmt::format("{}, issuer {}, {} to {}, {}", certificate.subject, certificate.issuer,
                       day(certificate.begins), day(certificate.ends), certificate.key);
}

std::string check_text(const TlsaCheck& check) {
    std::string text = fmt::format("TLSA {}: ", dane::to_string(check.record));
    switch (check.match.result) {
    case Result::matched:
        text += fmt::format("matches certificate {}", check.match.depth);
        break;
    case Result::passed_over:
    case Result::unusable:
        text += check.match.reason;
        break;
    case Result::no_match:
    case Result::not_in_chain:
        text += "no match";
        break;
    }
    return check.fault.empty() ? text : text + ", but " + check.fault;
}

class Page {
  public:
    Page(const Probed& probed, Colour colour)
        : probed_(probed), paint_(colour),
          end_(message_outcome(probed.destination, probed.orders)) {}

    std::string write() {
        head();
        for (const MxHost& host : probed_.destination.hosts)
            write_host(host);
        foot();
        return std::move(out_);
    }

  private:
    void line(int depth, std::string_view label, std::string_view text) {
        out_ += fmt::format("{:{}}{:<9} {}\n", "", depth, label, text);
    }

    void head() {
        const std::string row =
            probed_.verdict.row > 0 ? fmt::format(" (row {})", probed_.verdict.row) : "";
        out_ += fmt::format("{}: {}{}\n", probed_.destination.nexthop.key(), brief(probed_.verdict),
                            row);
        line(2, "Postfix", fmt::format("{}, {}", probed_.postfix, told()));
        if (!probed_.relayhost.empty())
            line(2, "relayhost",
                 fmt::format("main.cf sends mail to {}: what counts is postseal probe '{}'",
                             probed_.relayhost, probed_.relayhost));
        if (!probed_.sts_fault.empty())
            line(2, "MTA-STS", paint_.doubtful(without_cause_said_below(probed_.sts_fault)));
        std::string_view label = "resolver";
        for (const std::string& difference : probed_.differences)
            line(2, std::exchange(label, ""), paint_.bad(difference));
        const std::string& mx = probed_.destination.mx_reason;
        if (!mx.empty() && mx != end_.why) line(2, "MX", mx);
    }

    // "MX lookup of a.example is bogus: CAUSE" as "MX lookup of a.example is bogus", where the last
    // line says CAUSE.
    [[nodiscard]] std::string without_cause_said_below(const std::string& reason) const {
        for (const std::string_view mark : {" is bogus: ", " failed: "}) {
            const auto at = reason.find(mark);
            if (at == std::string::npos) continue;
            const std::string_view cause = std::string_view(reason).substr(at + mark.size());
            if (end_.why.contains(cause))
                return reason.substr(0, at + mark.size() - std::string_view(": ").size());
        }
        return reason;
    }

    // What the tables of main.cf say.
    [[nodiscard]] std::string told() const {
        if (!probed_.orders.defer.empty())
            return fmt::format("{}: mail is deferred: {}", probed_.by,
                               without_cause_said_below(probed_.orders.defer));
        if (probed_.reply.kind == verdict::Reply::Kind::ok)
            return fmt::format("{}: {}", probed_.by, probed_.reply.text);
        return fmt::format("{} no policy: smtp_tls_security_level = {} counts",
                           probed_.by.empty() ? "its tables have" : probed_.by + " has",
                           probed_.orders.policy.level);
    }

    void write_host(const MxHost& host) {
        line(2, fmt::format("{} {}", host.host.preference, host.host.name.name()),
             fmt::format("{}: {}", verdict::letter(host.host.state),
                         verdict::to_string(host.host.state)));
        if (host.attempts.empty()) line(4, "", paint_.bad(host.no_address));
        for (const Attempt& attempt : host.attempts)
            write_attempt(host, attempt);
        if (host.addresses_beyond > 0)
            line(4, "", fmt::format("and {} more addresses, not tried", host.addresses_beyond));
    }

    void write_attempt(const MxHost& host, const Attempt& attempt) {
        const Prediction prediction = predict(probed_.destination, host, attempt, probed_.orders);
        out_ += fmt::format("    [{}] {}: {}\n", attempt.address,
                            outcome_text(attempt, prediction.outcome, paint_), prediction.why);
        std::vector<std::string> steps;
        steps.reserve(attempt.took.size());
        for (const Took& took : attempt.took)
            steps.push_back(fmt::format("{} {} ms", to_string(took.step), took.time.count()));
        if (!steps.empty()) line(6, "took", fmt::format("{}", fmt::join(steps, ", ")));
        if (attempt.fault)
            line(6, "fault",
                 fmt::format("{}: {}", to_string(attempt.fault->step), attempt.fault->reason));
        if (!attempt.answered()) return;
        if (attempt.slipped_in > 0)
            line(6, "STARTTLS",
                 paint_.bad(fmt::format("{} bytes in plain text behind the answer, as an attacker "
                                        "slips them in; Postfix drops them",
                                        attempt.slipped_in)));
        if (attempt.tls) write_tls(*attempt.tls);
        write_dane(host, attempt);
        if (attempt.tls)
            for (const TlsaCheck& check : attempt.tls->tlsa)
                line(6, "", check_text(check));
        if (probed_.policy) write_satisfied("MTA-STS", mta_sts(*probed_.policy, host, attempt));
    }

    void write_dane(const MxHost& host, const Attempt& attempt) {
        switch (host.host.state) {
        case verdict::HostState::none:
        case verdict::HostState::no_address:
            line(6, "DANE", fmt::format("none is published: {}", host.host.reason));
            return;
        case verdict::HostState::unusable:
            line(6, "DANE", paint_.doubtful("no usable record: " + host.host.reason));
            return;
        case verdict::HostState::failed:
            line(6, "DANE", paint_.doubtful("not known: " + host.host.reason));
            return;
        case verdict::HostState::usable:
            write_satisfied("DANE", delivery::dane(probed_.destination, host, attempt));
            return;
        }
    }

    void write_satisfied(std::string_view promise, const Satisfaction& satisfaction) {
        line(6, promise,
             fmt::format("{}: {}",
                         satisfaction.satisfied ? paint_.good("satisfied")
                                                : paint_.doubtful("not satisfied"),
                         satisfaction.why));
    }

    void write_tls(const Tls& tls) {
        line(6, "TLS",
             fmt::format("{}, {}, SNI {}", tls.old ? paint_.bad(tls.version) : tls.version,
                         tls.cipher, tls.server_name));
        for (std::size_t i = 0; i < tls.chain.size(); i++)
            line(6, i == 0 ? "chain" : "",
                 fmt::format("{}: {}", i, certificate_text(tls.chain[i])));
        line(6, "", "for " + names_of(tls.chain.front()));
        write_expiry(tls);
        line(6, "",
             fmt::format("{}{}",
                         tls.chain_fault.empty() ? "leads to the trust store"
                                                 : paint_.doubtful(tls.chain_fault),
                         probed_.authorities.empty() ? ""
                                                     : fmt::format(" ({})", probed_.authorities)));
    }

    void write_expiry(const Tls& tls) {
        for (std::size_t i = 0; i < tls.chain.size(); i++) {
            const auto left = tls.chain[i].ends - probed_.now;
            if (left < milliseconds(0) || left > soon) continue;
            line(6, "",
                 paint_.doubtful(
                     fmt::format("certificate {} expires in {}", i,
                                 span_text(std::chrono::duration_cast<milliseconds>(left)))));
        }
    }

    void foot() {
        const std::string by = end_.host.empty() ? "" : " to " + end_.host;
        line(2, "mail", fmt::format("{}{}: {}", message_outcome_text(end_, paint_), by, end_.why));
        if (seems_blocked(probed_.destination))
            line(2, "",
                 fmt::format("No address answered at all: this network may not let port {} out.",
                             probed_.destination.nexthop.port));
    }

    const Probed& probed_;
    Painter paint_;
    MessageOutcome end_;
    std::string out_;
};

bool any_chain_fault(const Destination& destination) {
    for (const MxHost& host : destination.hosts)
        for (const Attempt& attempt : host.attempts)
            if (attempt.tls && !attempt.tls->chain_fault.empty()) return true;
    return false;
}

std::string mail_text(const Probed& probed, const MessageOutcome& end) {
    const Painter plain(Colour::no);
    const std::string by = end.host.empty() ? "" : " to " + end.host;
    switch (end.kind) {
    case MessageOutcome::Kind::deferred:
        return "deferred: " + end.why;
    case MessageOutcome::Kind::bounced:
        return "bounced: " + end.why;
    case MessageOutcome::Kind::sealed:
        return fmt::format("sent, sealed{}: {}", by, end.why);
    case MessageOutcome::Kind::encrypted:
        return fmt::format("sent, encrypted but not sealed{}: {}", by, end.why);
    case MessageOutcome::Kind::clear:
        return fmt::format("sent in the clear{}: {}", by, end.why);
    case MessageOutcome::Kind::unknown:
        return fmt::format("cannot be predicted{}: {}", by, end.why);
    }
    return message_outcome_text(end, plain) + probed.postfix;
}

// Of mail that the hosts, or what Postfix knows of them, defer.
std::string next_of_deferred(const Probed& probed, const std::string& key) {
    if (!probed.differences.empty())
        return "postseal doctor: Postfix's resolver must be one that validates and sees the same "
               "as postseald";
    if (!probed.orders.smtp.no_tls.empty() ||
        (!probed.authorities.empty() && any_chain_fault(probed.destination)))
        return fmt::format("compare the issuer with smtp_tls_CAfile ({}); if it is there, the "
                           "domain's operator must fix the certificate; then: postqueue -f",
                           probed.authorities.empty() ? "empty" : probed.authorities);
    if (seems_blocked(probed.destination))
        return fmt::format("have the network let port {} out; then: postqueue -f",
                           probed.destination.nexthop.port);
    const bool met = std::ranges::any_of(probed.destination.hosts, [](const MxHost& host) {
        return std::ranges::any_of(host.attempts, &Attempt::answered);
    });
    if (!met) return "the mail hosts must answer; then: postqueue -f";
    return fmt::format("the domain's operator must correct what the hosts show; then: postqueue "
                       "-f; or, until then: postseal overrides set {} encrypt --until DAY",
                       key);
}

} // namespace

engine::Outlook probe_outlook(const Probed& probed, const engine::Outlook& known) {
    const MessageOutcome end = message_outcome(probed.destination, probed.orders);
    const std::string key = engine::quoted_key(probed.destination.nexthop.key());
    engine::Outlook out{.mail = mail_text(probed, end), .next = known.next};
    const bool before_the_hosts = !probed.orders.defer.empty() ||
                                  probed.destination.mx == verdict::MxState::bogus ||
                                  probed.destination.mx == verdict::MxState::failed;
    switch (end.kind) {
    case MessageOutcome::Kind::sealed:
        out.next = "nothing to do";
        break;
    case MessageOutcome::Kind::encrypted:
    case MessageOutcome::Kind::clear:
        out.next =
            fmt::format("nothing to do; to demand more: postseal overrides set {} encrypt", key);
        break;
    case MessageOutcome::Kind::deferred:
        if (before_the_hosts && probed.differences.empty()) {
            if (!probed.map) out.next = "postseal doctor";
        } else {
            out.next = next_of_deferred(probed, key);
        }
        break;
    case MessageOutcome::Kind::bounced:
        break;
    case MessageOutcome::Kind::unknown:
        out.next = "look the policy of main.cf up: postmap -q " + key;
        break;
    }
    return out;
}

std::string probe_text(const Probed& probed, Colour colour) { return Page(probed, colour).write(); }

} // namespace postseal::cli
