// SPDX-License-Identifier: Apache-2.0
#include "tests/dynamodb/emulators.hpp"

#include <cstdlib>

namespace guidon::dynamodb_test {
namespace {

using Differences = std::map<std::string, std::string>;

std::string Variable(const char* name, const char* otherwise) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0' ? value : otherwise;
}

Differences OfDynalite() {
  constexpr const char* kTransactions = "dynalite has no TransactWriteItems";
  constexpr const char* kIndexUnits = "dynalite does not count the units of indexes in the total";
  return {{"ConditionEquals", "dynalite does not return the item that a failed condition met"},
          {"EqualIndexSortKeysAreOrderedByTheItemsKey", "dynalite orders equal index sort keys by a hash"},
          {"ATransactionDoesEverythingItSays", kTransactions},
          {"ACancelledTransactionChangesNothingAndSaysWhy", kTransactions},
          {"ATransactionThatWouldMakeAnItemTooLargeIsCancelled", kTransactions},
          {"ATransactionTakesAHundredItems", kTransactions},
          {"ATransactionTakesFourMegabytes", kTransactions},
          {"ATransactionRefusesOneKeyTwiceAndInvalidOperations", kTransactions},
          {"TransactionsSeeExpiredItemsAsAbsent", kTransactions},
          {"TransactionsFromManyThreadsKeepTheSum", kTransactions},
          {"TransactionsCostDouble", kTransactions},
          {"EachIndexEntryIsAnotherWrite", kIndexUnits},
          {"UpdateCostsWhatItChanges", kIndexUnits},
          {"DeleteCostsTheItemAndItsEntries", kIndexUnits},
          {"BatchesCostTheSumOfTheirParts", kIndexUnits},
          {"ScanAScanCostsWhatItReads", "dynalite counts a strong scan as an eventual one"},
          {"QueryCostsTheSumOfWhatItReads", "dynalite counts nothing for a query that finds nothing"}};
}

Differences OfMoto() {
  constexpr const char* kUnits = "moto counts one unit whatever is read or written";
  constexpr const char* kSizes = "moto measures an item by the length of its JSON, and not in updates";
  return {{"AMissingAttributeEqualsNothing", "moto takes a missing attribute for one that is NULL"},
          {"AnItemMayHave400KilobytesAndNoByteMore", kSizes},
          {"AnUpdateCannotMakeAnItemTooLarge", kSizes},
          {"ATransactionThatWouldMakeAnItemTooLargeIsCancelled", kSizes},
          {"ATransactionTakesFourMegabytes", kSizes},
          {"BatchGetOfMuchDataIsAskedForAgain", kSizes},
          {"PutCostsAUnitForEachKilobyteBegun", kUnits},
          {"AReplacementCostsTheLargerOfOldAndNew", kUnits},
          {"EachIndexEntryIsAnotherWrite", kUnits},
          {"UpdateCostsWhatItChanges", kUnits},
          {"DeleteCostsTheItemAndItsEntries", kUnits},
          {"GetCostsAUnitForEachFourKilobytesBegun", kUnits},
          {"QueryCostsTheSumOfWhatItReads", kUnits},
          {"ScanAScanCostsWhatItReads", kUnits},
          {"BatchesCostTheSumOfTheirParts", kUnits},
          {"TransactionsCostDouble", kUnits}};
}

}  // namespace

std::string Endpoint() { return Variable("GUIDON_TEST_DYNAMODB_ENDPOINT", "http://127.0.0.1:8000"); }
std::string EmulatorName() { return Variable("GUIDON_TEST_DYNAMODB_EMULATOR", "other"); }

Differences DifferencesOf(const std::string& emulator) {
  if (emulator == "dynalite") return OfDynalite();
  if (emulator == "moto") return OfMoto();
  return {};
}

}  // namespace guidon::dynamodb_test
