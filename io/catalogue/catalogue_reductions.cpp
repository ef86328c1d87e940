#include "io/catalogue/catalogue.h"
#include "io/catalogue/catalogue_state.h"
#include "io/catalogue/reduction_table.h"

namespace marrow {

void Catalogue::set_reduction(const std::string& collection,
                              const std::optional<Reduction>& reduction) {
  with_database(state_->file, [&] {
    SQLite::Transaction transaction(state_->database, SQLite::TransactionBehavior::IMMEDIATE);
    put_reduction(state_->database, collection, reduction);
    transaction.commit();
  });
}

std::optional<Reduction> Catalogue::reduction(const std::string& collection) const {
  return with_database(state_->file, [&] { return reduction_of(state_->database, collection); });
}

}  // namespace marrow
