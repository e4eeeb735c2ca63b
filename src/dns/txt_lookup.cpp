// SPDX-License-Identifier: BSD-3-Clause
#include "dns/txt_lookup.h"

#include "postseal/mtasts/record.h"

#include <utility>
#include <vector>

namespace postseal::dns {
namespace {

TxtResult judge(const Answer& answer) {
    TxtResult result;
    result.ttl = answer.ttl;
    std::vector<std::string> texts;
    for (const std::string& rdata : answer.rdata)
        // What is not a TXT RDATA does not begin "v=STSv1;" either.
        if (auto text = mtasts::join_strings(rdata)) texts.push_back(*std::move(text));
    auto record = mtasts::select_record(texts);
    if (record) {
        result.state = verdict::RecordState::found;
        result.id = std::move(record->id);
        result.reason = std::move(record->note);
    } else if (record.error().fault == mtasts::RecordFault::absent) {
        result.state = verdict::RecordState::absent;
        if (!texts.empty()) result.reason = std::move(record.error().text);
    } else {
        result.state = verdict::RecordState::invalid;
        result.reason = std::move(record.error().text);
    }
    return result;
}

} // namespace

async::Task<TxtResult> txt_lookup(Resolver& resolver, Domain domain) {
    const std::string name = domain.with_prefix("_mta-sts");
    TxtResult result;
    if (!askable(name)) {
        // A domain so long that it has no room for the prefix cannot have the record.
        result.state = verdict::RecordState::absent;
        co_return result;
    }
    const Answer answer = co_await resolver.resolve(name, RrType::txt);
    if (!is_failure(answer)) co_return judge(answer);
    result.state = verdict::RecordState::failed;
    result.reason = failure_clause(name, RrType::txt, answer);
    result.unasked = is_unasked(answer);
    co_return result;
}

} // namespace postseal::dns
