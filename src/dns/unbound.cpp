// SPDX-License-Identifier: BSD-3-Clause
#include "dns/unbound.h"

#include "async/counted.h"
#include "async/limiter.h"
#include "async/thread_name.h"
#include "async/timeout.h"
#include "dns/recent_answers.h"
#include "dns/unbound_answer.h"
#include "dns/unbound_context.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>

namespace postseal::dns {
namespace {

constexpr std::size_t max_in_flight = 128;
constexpr std::size_t max_of_one_client = 96; // the rest is there for another at once
constexpr int class_in = 1;
constexpr milliseconds root_patience{8000};
constexpr milliseconds long_wait{1000}; // see Asker

Answer failure(Failure kind, std::string reason) {
    Answer answer;
    answer.reason = std::move(reason);
    answer.failure = kind;
    return answer;
}

std::string in_words(milliseconds time) {
    if (time.count() % 1000 == 0) return fmt::format("{} s", time.count() / 1000);
    return fmt::format("{} ms", time.count());
}

} // namespace

struct Unbound::Impl {
    class Question;

    Impl(async::UvLoop& l, ContextSetup setup, const UnboundOptions& options)
        : loop(l), context(std::move(setup.context)), anchors(std::move(setup.anchors)),
          warnings(std::move(setup.warnings)), outdated_anchor(std::move(setup.outdated_anchor)),
          not_asked(std::move(setup.not_asked)), has_unbound_conf(!options.unbound_conf.empty()),
          timeout(options.timeout), limiter(l, max_in_flight, max_of_one_client),
          watch(l, ub_fd(context.get()), &Impl::on_readable, this) {
        watch.set(async::FdWatch::readable);
    }

    static void on_readable(void* self, unsigned) {
        auto* impl = static_cast<Impl*>(self);
        // The worker is gone for good: no answer will come, and the descriptor stays readable.
        if (ub_process(impl->context.get()) != 0) impl->watch.set(async::FdWatch::none);
    }

    async::Task<Answer> ask(Asker asker, std::string name, RrType type,
                            std::optional<MonoTime>& asked);
    async::Task<RootAnswer> ask_root();

    async::Loop& loop;
    Context context;
    std::vector<TrustAnchor> anchors;
    std::vector<std::string> warnings;
    std::string outdated_anchor;
    std::vector<IpPrefix> not_asked;
    bool has_unbound_conf;
    milliseconds timeout;
    bool has_thread = false;
    RecentAnswers recent;
    async::Limiter limiter;
    async::FdWatch watch; // last: withdrawn before the context closes its descriptor
};

// One question with libunbound. Destroyed while it waits, it is cancelled: libunbound may go on
// working at it, but never calls back.
class Unbound::Impl::Question {
  public:
    Question(Impl& impl, std::string name, RrType type)
        : impl_(impl), name_(std::move(name)), type_(type) {}
    Question(const Question&) = delete;
    Question& operator=(const Question&) = delete;
    ~Question() {
        if (asked_) ub_cancel(impl_.context.get(), id_);
    }

    bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<> h) {
        waiter_ = h;
        const int rc = impl_.has_thread ? ask() : ask_first();
        impl_.has_thread = true;
        asked_ = rc == 0;
        if (asked_) return true;
        answer_ = failure(Failure::library, fmt::format("libunbound: {}", ub_strerror(rc)));
        return false;
    }
    Answer await_resume() { return std::move(answer_); }
    [[nodiscard]] bool answered() const { return answered_; } // by libunbound, whatever it said
    [[nodiscard]] const std::string& message() const { return message_; } // of a DNSKEY question

  private:
    int ask() {
        return ub_resolve_async(impl_.context.get(), name_.c_str(), static_cast<int>(type_),
                                class_in, this, &Question::on_result, &id_);
    }
    // It starts libunbound's thread.
    int ask_first() {
        const async::NamesNewThreads named("resolver");
        return ask();
    }
    static void on_result(void* self, int error, ub_result* result) {
        auto* question = static_cast<Question*>(self);
        const std::unique_ptr<ub_result, decltype(&ub_resolve_free)> owned(result,
                                                                           &ub_resolve_free);
        question->asked_ = false;
        question->answered_ = error == 0;
        question->answer_ = error == 0 ? to_answer(*result)
                                       : failure(Failure::library,
                                                 fmt::format("libunbound: {}", ub_strerror(error)));
        if (error == 0 && question->type_ == RrType::dnskey)
            question->message_.assign(static_cast<const char*>(result->answer_packet),
                                      static_cast<std::size_t>(result->answer_len));
        question->ready_.post(question->impl_.loop, async::Callback::resume(question->waiter_));
    }

    Impl& impl_;
    std::string name_;
    RrType type_;
    bool asked_ = false; // and neither answered nor cancelled
    bool answered_ = false;
    int id_ = 0;
    Answer answer_;
    std::string message_;
    std::coroutine_handle<> waiter_;
    async::Ready ready_;
};

async::Task<Answer> Unbound::Impl::ask(Asker asker, std::string name, RrType type,
                                       std::optional<MonoTime>& asked) {
    const MonoTime begun = loop.now();
    std::size_t unwanted = 0;
    std::optional<async::Counted> queued;
    queued.emplace(asker.queued != nullptr ? *asker.queued : unwanted);
    const auto permit = co_await limiter.acquire(asker.client);
    asked = loop.now();
    if (*asked - begun < long_wait) queued.reset();
    Question question(*this, std::move(name), type);
    co_return co_await question;
}

async::Task<RootAnswer> Unbound::Impl::ask_root() {
    Question question(*this, ".", RrType::dnskey);
    RootAnswer root;
    root.answer = co_await question;
    root.message = question.message();
    co_return root;
}

std::expected<std::unique_ptr<Unbound>, std::string> Unbound::open(async::UvLoop& loop,
                                                                   const UnboundOptions& options) {
    auto setup = set_up_context(options);
    if (!setup) return std::unexpected(std::move(setup.error()));
    return std::unique_ptr<Unbound>(
        new Unbound(std::make_unique<Impl>(loop, *std::move(setup), options)));
}

Unbound::Unbound(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Unbound::~Unbound() = default;

async::Task<Answer> Unbound::resolve(std::string name, RrType type) {
    return resolve_for({}, std::move(name), type);
}

async::Task<Answer> Unbound::resolve_for(Asker asker, std::string name, RrType type) {
    if (auto known = impl_->recent.find(name, type, impl_->loop.now())) co_return *std::move(known);
    const MonoTime begun = impl_->loop.now();
    std::optional<MonoTime> asked;
    auto answer = co_await async::with_timeout(impl_->loop, impl_->ask(asker, name, type, asked),
                                               impl_->timeout);
    if (answer) {
        impl_->recent.keep(std::move(name), type, *answer, impl_->loop.now());
        co_return *std::move(answer);
    }
    const std::string limit = in_words(impl_->timeout);
    if (!asked)
        co_return failure(
            Failure::busy,
            fmt::format("not asked within {}: {} lookups were before it", limit, max_in_flight));
    const milliseconds queued = *asked - begun;
    if (queued > impl_->timeout / 2)
        co_return failure(Failure::busy,
                          fmt::format("no answer in {}, of which {} were for lookups before it",
                                      limit, in_words(queued)));
    co_return failure(Failure::timeout, fmt::format("no answer in {}", limit));
}

async::Task<bool> Unbound::round_trip() {
    Impl::Question question(*impl_, "localhost", RrType::a);
    co_await question;
    co_return question.answered();
}

async::Task<RootAnswer> Unbound::root_keys() {
    auto root = co_await async::with_timeout(impl_->loop, impl_->ask_root(), root_patience);
    if (root) co_return *std::move(root);
    RootAnswer none;
    none.answer =
        failure(Failure::timeout, fmt::format("no answer in {}", in_words(root_patience)));
    co_return none;
}

std::size_t Unbound::in_flight() const { return impl_->limiter.in_use(); }
std::size_t Unbound::waiting() const { return impl_->limiter.waiting(); }
bool Unbound::validates_nothing() const {
    return !impl_->has_unbound_conf &&
           std::ranges::none_of(impl_->anchors,
                                [](const TrustAnchor& anchor) { return anchor.owner.empty(); });
}
const std::vector<TrustAnchor>& Unbound::anchors() const { return impl_->anchors; }
const std::vector<std::string>& Unbound::warnings() const { return impl_->warnings; }
const std::string& Unbound::outdated_anchor() const { return impl_->outdated_anchor; }
const std::vector<IpPrefix>& Unbound::not_asked() const { return impl_->not_asked; }

std::string_view unbound_version() { return ub_version(); }

} // namespace postseal::dns
