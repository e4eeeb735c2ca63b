// engine/nexthop_notes.h: what is kept of a nexthop from one evaluation to the next, and told of it
//
// Whether it had DANE, for the rows 4 and 5 of the decision table (7 days); its last verdict, so
// that a change of it is logged and goes into the history, and that mail is deferred is logged when
// it begins. A verdict that nobody was given, because what was known before still holds, is not a
// change.
// Thread: the loop's.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "engine/dependencies.h"
#include "engine/downgrades.h"
#include "postseal/verdict/decide.h"
#include "postseal/verdict/evidence.h"
#include "store/store.h"

#include <optional>

namespace postseal::engine {

class NexthopNotes {
  public:
    NexthopNotes(Dependencies dependencies, Downgrades& downgrades)
        : dependencies_(dependencies), downgrades_(downgrades) {}

    enum class Verdict { given, withheld };
    // `before`: the row as it was when the evaluation began.
    void note(const verdict::Evidence& evidence, const verdict::Verdict& verdict, Verdict use,
              const std::optional<store::NexthopRow>& before);

    // What the row says of DANE, if it is not too old or of a time to come.
    [[nodiscard]] static verdict::Remembered remembered(const store::NexthopRow& row, WallTime now);

  private:
    bool note_dane(const verdict::Evidence& evidence, store::NexthopRow& row);
    void tell_of_tempfail(const verdict::Evidence& evidence, const verdict::Verdict& verdict,
                          const store::NexthopRow& before);
    bool note_verdict(const verdict::Evidence& evidence, const verdict::Verdict& verdict,
                      store::NexthopRow& row);

    Dependencies dependencies_;
    Downgrades& downgrades_;
};

} // namespace postseal::engine
