#include "tuplespace/store/data_directory.h"

#include <fstream>
#include <sstream>

#include "tests/unit/store/store_rig.h"
#include "tuplespace/store/rocksdb_store.h"

namespace tuplespace {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

void write_file(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
}

std::string read_file(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

class DataDirectoryTest : public ::testing::Test {
 protected:
  std::string path() const { return directory_.path("data"); }
  std::string file(const std::string& name) const { return path() + "/" + name; }

  // Opens a store there and closes it again.
  Status open() {
    RocksDbOptions options;
    options.path = path();
    Result<std::unique_ptr<RocksDbStore>> opened = RocksDbStore::open(options);
    return opened.ok() ? (*opened)->close() : opened.status();
  }
  void make() {
    const Status made = open();
    ASSERT_TRUE(made.ok()) << made.to_string();
  }
  void expect_refused(Code code, const std::string& why) {
    const Status refused = open();
    EXPECT_EQ(refused.code(), code);
    EXPECT_THAT(refused.message(), HasSubstr(why));
    EXPECT_THAT(refused.message(), HasSubstr(path()));
  }

  TempDirectory directory_;
};

TEST_F(DataDirectoryTest, ANewOneSaysWhatItIsInText) {
  make();
  const Result<RootRecord> root = RootRecord::parse(read_file(file("FORMAT")), "FORMAT");
  ASSERT_TRUE(root.ok());
  EXPECT_EQ(root->format, kStoreFormat);
  EXPECT_EQ(root->readable_by, kStoreReadableBy);
  EXPECT_EQ(root->store.size(), 32u);
  EXPECT_FALSE(root->created_by.empty());
}

TEST_F(DataDirectoryTest, TheRootRecordReadsAsTheCommentOfTheHeaderSays) {
  const RootRecord root{2, 2, "0.1.0", "5b1e6f0c9a3d4f7e8c2b1a0d9e8f7a6b"};
  EXPECT_EQ(root.text(),
            "tuplespace data directory\nformat 2\nreadable-by 2\ncreated-by 0.1.0\n"
            "store 5b1e6f0c9a3d4f7e8c2b1a0d9e8f7a6b\n");
  const Result<RootRecord> with_more = RootRecord::parse(root.text() + "colour blue\n", "x");
  ASSERT_TRUE(with_more.ok());
  EXPECT_EQ(with_more->text(), root.text());
  EXPECT_FALSE(RootRecord::parse("", "x").ok());
  EXPECT_FALSE(RootRecord::parse("tuplespace data directory\n", "x").ok());
}

TEST_F(DataDirectoryTest, IsMadeOnlyWhereTheParentExists) {
  const Result<std::unique_ptr<DataDirectory>> opened =
      DataDirectory::open(directory_.path("none/data"));
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.status().code(), Code::kFailedPrecondition);
  EXPECT_THAT(opened.status().message(), HasSubstr("none/data"));
}

TEST_F(DataDirectoryTest, AFileInItsPlaceIsRefused) {
  write_file(path(), "text");
  EXPECT_EQ(open().code(), Code::kFailedPrecondition);
}

TEST_F(DataDirectoryTest, ADirectoryWithSomethingElseIsRefusedAndLeftAlone) {
  fs::create_directory(path());
  write_file(file("thesis.tex"), "text");
  expect_refused(Code::kFailedPrecondition, "thesis.tex");
  EXPECT_EQ(std::distance(fs::directory_iterator(path()), fs::directory_iterator()), 1);
}

TEST_F(DataDirectoryTest, TheRocksDbOfAnotherProgramIsRefused) {
  make();
  fs::rename(file("db"), directory_.path("theirs"));
  fs::remove_all(path());
  fs::rename(directory_.path("theirs"), path());
  expect_refused(Code::kFailedPrecondition, "RocksDB database of another program");
}

TEST_F(DataDirectoryTest, ANewerFormatIsRefusedAndNamed) {
  make();
  const std::string old = read_file(file("FORMAT"));
  write_file(file("FORMAT"),
             "tuplespace data directory\nformat 9\nreadable-by 8\ncreated-by 4.2.0\nstore 77\n");
  expect_refused(Code::kFailedPrecondition, "written by tuplespaced 4.2.0 in format 9");
  write_file(file("FORMAT"), old);
  EXPECT_TRUE(open().ok());
}

TEST_F(DataDirectoryTest, ALaterFormatThatWeCanReadIsRead) {
  make();
  std::string text = read_file(file("FORMAT"));
  text.replace(text.find("format 2"), 8, "format 9");
  write_file(file("FORMAT"), text);
  EXPECT_TRUE(open().ok());
}

TEST_F(DataDirectoryTest, AnOlderFormatIsRaisedSoThatOlderProgramsRefuseIt) {
  make();
  std::string text = read_file(file("FORMAT"));
  text.replace(text.find("format 2\nreadable-by 2"), 22, "format 1\nreadable-by 1");
  write_file(file("FORMAT"), text);
  EXPECT_TRUE(open().ok());
  EXPECT_THAT(read_file(file("FORMAT")), testing::HasSubstr("format 2\nreadable-by 2\n"));
}

TEST_F(DataDirectoryTest, ADamagedRootRecordIsDataLoss) {
  make();
  write_file(file("FORMAT"), "");
  expect_refused(Code::kDataLoss, "not a root record");
}

TEST_F(DataDirectoryTest, ASecondServerIsRefusedByThePidOfTheFirst) {
  const Result<std::unique_ptr<DataDirectory>> first = DataDirectory::open(path());
  ASSERT_TRUE(first.ok());
  expect_refused(Code::kFailedPrecondition, "in use by process " + std::to_string(::getpid()));
}

TEST_F(DataDirectoryTest, AMissingDatabaseIsDataLossAndNotMadeAnew) {
  make();
  fs::remove_all(file("db"));
  expect_refused(Code::kDataLoss, "is gone");
  EXPECT_FALSE(fs::exists(file("db")));
}

TEST_F(DataDirectoryTest, TheDatabaseOfAnotherStoreIsRefused) {
  make();
  fs::rename(path(), directory_.path("other"));
  make();
  fs::remove_all(file("db"));
  fs::rename(directory_.path("other/db"), file("db"));
  expect_refused(Code::kFailedPrecondition, "put together from two");
}

TEST_F(DataDirectoryTest, AnInterruptedMakingIsFinished) {
  make();
  fs::remove(file("FORMAT"));  // everything but the last step
  write_file(file("FORMAT.new"), "tuplespace da");
  EXPECT_TRUE(open().ok());
  EXPECT_TRUE(fs::exists(file("FORMAT")));
  fs::remove_all(path());

  fs::create_directory(path());  // nothing but the first steps
  write_file(file("LOCK"), "");
  fs::create_directory(file("db"));
  EXPECT_TRUE(open().ok());
  EXPECT_TRUE(open().ok());
}

TEST_F(DataDirectoryTest, RemembersTheLastNoteOfWhatWasSynced) {
  {
    const Result<std::unique_ptr<DataDirectory>> opened = DataDirectory::open(path());
    ASSERT_TRUE(opened.ok());
    EXPECT_EQ((*opened)->synced(), 0u);
    (*opened)->note_synced(7);
    (*opened)->note_synced(8);
  }
  {
    const Result<std::unique_ptr<DataDirectory>> opened = DataDirectory::open(path());
    ASSERT_TRUE(opened.ok());
    EXPECT_EQ((*opened)->synced(), 8u);
  }
  write_file(file("SYNCED"), std::string(16, 'x'));
  const Result<std::unique_ptr<DataDirectory>> opened = DataDirectory::open(path());
  ASSERT_TRUE(opened.ok());
  EXPECT_EQ((*opened)->synced(), 0u) << "a damaged note says nothing";
}

}  // namespace
}  // namespace tuplespace
