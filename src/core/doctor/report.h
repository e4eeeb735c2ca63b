// doctor/report.h: the findings as the checks make them, and the fixes that they name
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "postseal/doctor/facts.h"
#include "postseal/doctor/finding.h"

#include <string>
#include <string_view>
#include <vector>

namespace postseal::doctor {

class Report {
  public:
    // Counts only while the check finds nothing wrong.
    void ok(std::string_view check, std::string what);
    void warning(std::string_view check, std::string what, std::string why, std::vector<Fix> fix);
    void problem(std::string_view check, std::string what, std::string why, std::vector<Fix> fix);

    // In the order in which the checks first spoke, nothing twice.
    [[nodiscard]] std::vector<Finding> take();

  private:
    void add(Finding finding);

    std::vector<Finding> findings_;
};

// "NAME", or "NAME of SERVICE" where the client has its own.
[[nodiscard]] std::string name_of(const Client& client, std::string_view name);

// The command that gives the parameter that value where the client has it from.
[[nodiscard]] Fix set(const Facts& facts, const Client& client, std::string_view name,
                      std::string_view value);
[[nodiscard]] Fix run(std::string command);
// A line of postseal.toml.
[[nodiscard]] Fix configure(const Facts& facts, std::string table, std::string line);

} // namespace postseal::doctor
