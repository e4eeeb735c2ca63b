// SPDX-License-Identifier: BSD-3-Clause
#include "cli/probe_text.h"

#include "postseal/delivery/names.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>
#include <string_view>
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

std::string outcome_text(Outcome outcome, const Painter& paint) {
    switch (outcome) {
    case Outcome::sealed:
        return paint.good("delivers, sealed");
    case Outcome::encrypted:
        return paint.doubtful("delivers, encrypted to whoever it is");
    case Outcome::clear:
        return paint.bad("delivers in the clear");
    case Outcome::refused:
        return paint.bad("does not deliver here");
    case Outcome::unreachable:
        return paint.bad("cannot be reached");
    case Outcome::unknown:
        return paint.doubtful("not known");
    }
    return "?";
}

std::string fate_text(const Fate& fate, const Painter& paint) {
    switch (fate.kind) {
    case Fate::Kind::sealed:
        return paint.good("goes sealed");
    case Fate::Kind::encrypted:
        return paint.doubtful("goes encrypted, but not sealed");
    case Fate::Kind::clear:
        return paint.bad("goes in the clear");
    case Fate::Kind::deferred:
        return paint.bad("is deferred");
    case Fate::Kind::bounced:
        return paint.bad("is sent back");
    case Fate::Kind::unknown:
        return paint.doubtful("cannot be foretold");
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
    Page(const Probed& probed, Colour colour) : probed_(probed), paint_(colour) {}

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
        const bool defers = !probed_.orders.defer.empty();
        line(2, "Postfix",
             defers ? "must wait: " + probed_.orders.defer
                    : fmt::format("is told {} by map {}",
                                  probed_.reply.kind == verdict::Reply::Kind::ok
                                      ? probed_.reply.text
                                      : "nothing, so " + probed_.orders.policy.level +
                                            " of main.cf counts",
                                  probed_.map));
        if (!probed_.destination.mx_reason.empty()) line(2, "MX", probed_.destination.mx_reason);
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
        out_ += fmt::format("    [{}] Postfix {}: {}\n", attempt.address,
                            outcome_text(prediction.outcome, paint_), prediction.why);
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
                 paint_.bad(fmt::format("{} octets in plain text behind the answer, as an attacker "
                                        "slips them in; Postfix drops them",
                                        attempt.slipped_in)));
        if (attempt.tls) write_tls(*attempt.tls);
        write_satisfied("DANE", delivery::dane(probed_.destination, host, attempt));
        if (attempt.tls)
            for (const TlsaCheck& check : attempt.tls->tlsa)
                line(6, "", check_text(check));
        if (probed_.policy) write_satisfied("MTA-STS", mta_sts(*probed_.policy, host, attempt));
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
             tls.chain_fault.empty() ? "leads to the trust store"
                                     : paint_.doubtful(tls.chain_fault));
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
        const Fate end = fate(probed_.destination, probed_.orders);
        const std::string by = end.host.empty() ? "" : " to " + end.host;
        line(2, "mail", fmt::format("{}{}: {}", fate_text(end, paint_), by, end.why));
        if (seems_blocked(probed_.destination))
            line(2, "",
                 fmt::format("No address answered at all: this network may not let port {} out.",
                             probed_.destination.nexthop.port));
    }

    const Probed& probed_;
    Painter paint_;
    std::string out_;
};

} // namespace

std::string probe_text(const Probed& probed, Colour colour) { return Page(probed, colour).write(); }

} // namespace postseal::cli
