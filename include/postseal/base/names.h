// base/names.h: the names of an enum's values, one table for writing and for reading them
//
//     constexpr auto mixed_names = names_for<Mixed>(
//         {{Mixed::mta_sts, "mta-sts"}, {Mixed::dane_only, "dane-only"}, {Mixed::dane, "dane"}});
//
// Every value once, in the order of the enum, which counts from 0: a table that lacks one, or has
// another order, does not compile.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

namespace postseal {

// Whether the enum has a name for this value, by what the compiler calls it.
template <auto value> consteval bool is_enumerator() {
    constexpr std::string_view called = __PRETTY_FUNCTION__;
    constexpr std::string_view before = "value = ";
    const std::size_t at = called.rfind(before);
    static_assert(called.rfind(before) != std::string_view::npos);
    return called[at + before.size()] != '('; // "(Mixed)3"
}

template <class Enum> struct Name {
    Enum value;
    std::string_view text;
};

template <class Enum, std::size_t count> class Names {
  public:
    consteval explicit Names(const Name<Enum> (&names)[count]) {
        static_assert(!is_enumerator<static_cast<Enum>(count)>(), "a value has no name");
        for (std::size_t i = 0; i < count; i++) {
            if (names[i].value != static_cast<Enum>(i)) throw "not in the order of the enum";
            texts_[i] = names[i].text;
        }
    }

    [[nodiscard]] constexpr std::string_view operator[](Enum value) const {
        return texts_.at(static_cast<std::size_t>(value));
    }
    // nullopt: none is called so.
    [[nodiscard]] constexpr std::optional<Enum> find(std::string_view text) const {
        for (std::size_t i = 0; i < count; i++)
            if (texts_[i] == text) return static_cast<Enum>(i);
        return std::nullopt;
    }
    // In the order of the enum.
    [[nodiscard]] constexpr const std::array<std::string_view, count>& all() const {
        return texts_;
    }

  private:
    std::array<std::string_view, count> texts_;
};

template <class Enum, std::size_t count>
consteval Names<Enum, count> names_for(const Name<Enum> (&list)[count]) {
    return Names<Enum, count>(list);
}

} // namespace postseal
