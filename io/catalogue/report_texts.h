#pragma once

#include <map>
#include <string>

namespace marrow {

class Catalogue;

// The words of the reports of each study, read again from the lists that were given to `scan
// --reports`; several reports of a study are parted by line ends. Reports without a study are left
// out. Throws Error{kNothingFound} when a list is gone, Error{kRefused} when a report in it is not
// the one that was read then.
[[nodiscard]] std::map<std::string, std::string> report_texts(const Catalogue& catalogue);

}  // namespace marrow
