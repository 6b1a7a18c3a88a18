// The JSON form: the mapping of docs/language.md, what is refused, and that it gives back
// everything.
#include "tuplespace/tuple/json.h"

#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/tuple/random_templates.h"
#include "tests/unit/tuple/random_tuples.h"
#include "tuplespace/tuple/text.h"

namespace tuplespace {
namespace {

using ::testing::HasSubstr;

// Returns the text form of what a JSON text stands for, or the error.
std::string tuple_text(std::string_view json) {
  const auto read = tuple_from_json(json);
  return read.ok() ? to_text(*read) : read.status().message();
}

std::string template_text(std::string_view json) {
  const auto read = template_from_json(json);
  return read.ok() ? to_text(*read) : read.status().message();
}

std::string json_of(std::string_view text, JsonNumbers numbers = JsonNumbers::kPlain) {
  return to_json(*parse_tuple(text), numbers);
}

std::string template_json_of(std::string_view text) { return to_json(*parse_template(text)); }

// Text and JSON of one tuple, in the form that is printed.
const std::pair<std::string, std::string> kTuples[] = {
    {"()", "[]"},
    {R"((null, true, false, "a\"\u0000"))", R"([null,true,false,"a\"\u0000"])"},
    {"(7, -9007199254740991, 9007199254740991)", "[7,-9007199254740991,9007199254740991]"},
    {"(9007199254740992, -9223372036854775808)",
     R"([{"$int":"9007199254740992"},{"$int":"-9223372036854775808"}])"},
    {"(30.0, 0.1, 1e+300, inf, -inf)", R"([30.0,0.1,1e+300,{"$float":"inf"},{"$float":"-inf"}])"},
    {R"((b"", b"\x00", b"\x00\xff", b"abc"))",
     R"([{"$bytes":""},{"$bytes":"AA=="},{"$bytes":"AP8="},{"$bytes":"YWJj"}])"},
    {R"((@"orders"))", R"([{"$space":"orders"}])"},
    {R"(([1, []], {"": {}, "k": [null]}))", R"([[1,[]],{"":{},"k":[null]}])"},
    {R"(({"$int": 7, "a": {"$": 1}}))", R"([{"$map":{"$int":7,"a":{"$map":{"$":1}}}}])"},
};

TEST(TupleJson, IsTheMapping) {
  for (const auto& [text, json] : kTuples) {
    EXPECT_EQ(json_of(text), json);
    EXPECT_EQ(tuple_text(json), text);
  }
}

TEST(TupleJson, TagsEveryNumberWhenAsked) {
  EXPECT_EQ(json_of(R"((7, 30.0, [0], {"k": inf}))", JsonNumbers::kTagged),
            R"([{"$int":"7"},{"$float":"30.0"},[{"$int":"0"}],{"k":{"$float":"inf"}}])");
  EXPECT_EQ(field_to_json("\x0d\x07"), "7");
  EXPECT_EQ(field_to_json("\x0d\x07", JsonNumbers::kTagged), R"({"$int":"7"})");
}

TEST(TupleJson, ReadsOtherSpellingsOfTheSame) {
  EXPECT_EQ(tuple_text(" [ 1 ,\n{ \"a\" : [ ] } ] "), "(1, {\"a\": []})");
  EXPECT_EQ(
      tuple_text(R"([{"$int":7},{"$int":"-0"},{"$float":30},{"$float":"30"},{"$float":1e2}])"),
      "(7, 0, 30.0, 30.0, 100.0)");
  EXPECT_EQ(tuple_text("[9223372036854775807, -9223372036854775808, -0, -0.0, 1E2, 1e-400]"),
            "(9223372036854775807, -9223372036854775808, 0, 0.0, 100.0, 0.0)");
  EXPECT_EQ(tuple_text(R"(["\ud83d\ude00\/\u00e9", {"$map":{}}, {"\u0061": 1}])"),
            R"(("😀/é", {}, {"a": 1}))");
  EXPECT_EQ(tuple_text("\"('job', 7)\""), R"(("job", 7))");
  EXPECT_EQ(template_text("\"(?int, ...)\""), "(?int, ...)");
}

TEST(TupleJson, JudgesNumbersByTheirText) {
  EXPECT_EQ(tuple_text("[9007199254740993, 9007199254740993.0]"),
            "(9007199254740993, 9007199254740992.0)");
  EXPECT_EQ(tuple_text("[7, 7.0, 7e0]"), "(7, 7.0, 7.0)");
}

TEST(TupleJson, GivesBackEveryTuple) {
  RandomTuples random(7);
  for (int round = 0; round < 3000; ++round) {
    const Tuple tuple = *Tuple::of(random.values());
    for (const JsonNumbers numbers : {JsonNumbers::kPlain, JsonNumbers::kTagged}) {
      const std::string json = to_json(tuple, numbers);
      const auto again = tuple_from_json(json);
      ASSERT_TRUE(again.ok()) << json << ": " << again.status().to_string();
      ASSERT_EQ(*again, tuple) << json;
      ASSERT_EQ(*template_from_json(json), Template::exactly(tuple)) << json;
    }
  }
}

TEST(TupleJson, SaysWhatIsWrongAndWhere) {
  const std::pair<std::string, std::string> kCases[] = {
      {"", "column 1: expected a JSON value"},
      {"7", "not a tuple; it is an array: [\"job\", 7]"},
      {"{}", "not a tuple; it is an array: [\"job\", 7]"},
      {"[1", "column 3: expected \",\" or \"]\""},
      {"[1,]", "column 4: expected a JSON value"},
      {"[1 2]", "column 4: expected \",\" or \"]\""},
      {"[1] 2", "column 5: expected the end"},
      {"['a']", "column 2: expected a JSON value"},
      {"[True]", "column 2: expected a JSON value"},
      {"[nulL]", "column 2: expected a JSON value"},
      {"[nullx]", "column 6: expected \",\" or \"]\""},
      {"[{a: 1}]", "column 3: expected a key in double quotes"},
      {"[{\"a\" 1}]", "column 7: expected \":\""},
      {"[{\"a\": 1,}]", "column 10: expected a key in double quotes"},
      {"[007]", "column 2: not a JSON number"},
      {"[1.]", "column 2: not a JSON number"},
      {"[+1]", "column 2: expected a JSON value"},
      {"[-]", "column 2: not a JSON number"},
      {"[.5]", "column 2: expected a JSON value"},
      {"[NaN]", "column 2: expected a JSON value"},
      {"[1, 9223372036854775808]", "column 5: the number is beyond int"},
      {"[-9223372036854775809]", "column 2: the number is beyond int"},
      {"[1e400]", "column 2: the number is beyond float"},
      {"[\"\\x41\"]", "column 3: a string's escapes are \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX"},
      {"[\"a\\ud800\"]", "column 4: \\ud800 is half of a character"},
      {"[\"\\udc00\"]", "column 3: \\udc00 is half of a character"},
      {"[\"a\nb\"]", "line 1 column 4: a control character in a string is \\u000a"},
      {"[\"a]", "column 2: a string has no closing \""},
      {"[\"\xff\"]", "column 3: the text is not UTF-8"},
      {"[{\"a\": 1, \"a\": 2}]", "column 11: the key \"a\" comes twice"},
      {"[{\"a\": 1, \"\\u0061\": 2}]", "column 11: the key \"\\u0061\" comes twice"},
      {"[1,\n {\"$int\": \"7x\"}]", "line 2 column 11: not an int, -2^63 to 2^63-1"},
      {"[{\"$int\": 7.0}]", "column 11: not an int, -2^63 to 2^63-1"},
      {"[{\"$int\": \"9223372036854775808\"}]", "column 11: not an int, -2^63 to 2^63-1"},
      {"[{\"$int\": \"\"}]", "column 11: not an int, -2^63 to 2^63-1"},
      {"[{\"$int\": [7]}]", "column 11: not an int, -2^63 to 2^63-1"},
      {"[{\"$float\": \"nan\"}]", "column 13: not a float, \"inf\" or \"-inf\""},
      {"[{\"$float\": 1e400}]", "column 13: not a float, \"inf\" or \"-inf\""},
      {"[{\"$bytes\": \"AP8\"}]", "column 13: not base64 with padding"},
      {"[{\"$bytes\": \"AP9=\"}]", "column 13: not base64 with padding"},
      {"[{\"$bytes\": \"A===\"}]", "column 13: not base64 with padding"},
      {"[{\"$bytes\": \"AP_=\"}]", "column 13: not base64 with padding"},
      {"[{\"$bytes\": \"AA==AA==\"}]", "column 13: not base64 with padding"},
      {"[{\"$bytes\": 7}]", "column 13: not base64 with padding"},
      {"[{\"$space\": \"a b\"}]",
       "column 13: a space's name is made of A-Z a-z 0-9 . _ / -, at most 128 of them"},
      {"[{\"$map\": []}]", "column 11: \"$map\" holds an object"},
      {"[{\"$int\": 7, \"$float\": 7}]", "column 14: \"$float\" does not go with \"$int\""},
      {"[{\"$is\": 7}]", "column 3: \"$is\" stands beside \"$as\""},
      {"\"job\"", "in the text form: not a tuple; strings need quotes: (\"job\")"},
      // Templates in place of values.
      {"[1, {\"$type\": \"int\"}]", "out needs values; field 2 is the template ?int"},
      {"[[{\"$rest\": true}]]", "out needs values; field 1 is the template [...]"},
      {"[{\"$rest\": \"all\"}]", "out needs values; field 1 is the template ?all:..."},
      {"[{\"$ref\": \"id\"}]", "column 11: no field is called id"},
  };
  for (const auto& [json, error] : kCases) EXPECT_EQ(tuple_text(json), error) << json;
  EXPECT_THAT(tuple_text("[{\"$foo\": 7}]"),
              HasSubstr("column 3: \"$foo\" is none of the keys $int"));
  EXPECT_THAT(tuple_text("[{\"$int\": 7, \"b\": 1}]"),
              HasSubstr("column 14: \"b\" is none of the keys $int"));
}

TEST(TupleJson, KeepsToItsBounds) {
  Limits limits;
  limits.fields_max = 2;
  limits.tuple_bytes_max = 10;
  limits.depth_max = 2;
  const auto why_not = [&](std::string_view json) {
    return tuple_from_json(json, limits).status().to_string();
  };
  EXPECT_THAT(why_not("[1,2,3]"), HasSubstr("RESOURCE_EXHAUSTED: tuple has 3 fields, fields_max"));
  EXPECT_THAT(why_not("[\"123456789\"]"), HasSubstr("tuple_bytes_max is 10"));
  EXPECT_EQ(why_not("[[{\"a\":1}]]"), "OK");
  EXPECT_EQ(why_not("[[{\"a\":[]}]]"),
            "INVALID_ARGUMENT: column 8: lists and maps nest deeper than depth_max 2");
  EXPECT_EQ(why_not("[[[{}]]]"),
            "INVALID_ARGUMENT: column 4: lists and maps nest deeper than depth_max 2");
  EXPECT_EQ(why_not("[{\"$map\":{\"a\":{\"$map\":{\"a\":{\"$map\":{}}}}}}]"),
            "INVALID_ARGUMENT: column 36: lists and maps nest deeper than depth_max 2");
  EXPECT_THAT(tuple_text(std::string(100'000, '[')), HasSubstr("nested too deep"));
}

const std::pair<std::string, std::string> kTemplates[] = {
    {"(?, ?int, ?null)", R"([{"$type":"any"},{"$type":"int"},{"$type":"null"}])"},
    {"(>=3 <9, >3, 3..9, <=\"m\")",
     R"([{"$ge":3,"$lt":9},{"$gt":3},{"$ge":3,"$le":9},{"$le":"m"}])"},
    {"(\"pre\"*, b\"GET\"*)", R"([{"$prefix":"pre"},{"$prefix":{"$bytes":"R0VU"}}])"},
    {"(1|?null|\"a\"*)", R"([{"$or":[1,{"$type":"null"},{"$prefix":"a"}]}])"},
    {R"((/^a\/"\n/))", R"([{"$re":"^a/\"\\n"}])"},
    {"(?id:int, ?x:any, ?k:1|2)",
     R"([{"$as":"id","$is":{"$type":"int"}},{"$as":"x","$is":{"$type":"any"}},)"
     R"({"$as":"k","$is":{"$or":[1,2]}}])"},
    {"(1, ...)", R"([1,{"$rest":true}])"},
    {"(?all:...)", R"([{"$rest":"all"}])"},
    {R"(([?, ...], [?x:...]))", R"([[{"$type":"any"},{"$rest":true}],[{"$rest":"x"}]])"},
    {R"(({"a": ?}, {"a": 1, ...}, {"$a": ?}))",
     R"([{"a":{"$type":"any"}},{"$map":{"a":1},"$rest":true},{"$map":{"$a":{"$type":"any"}}}])"},
};

TEST(TemplateJson, IsTheMapping) {
  for (const auto& [text, json] : kTemplates) {
    EXPECT_EQ(template_json_of(text), json);
    EXPECT_EQ(template_text(json), text);
  }
}

TEST(TemplateJson, ReadsOtherSpellingsOfTheSame) {
  EXPECT_EQ(template_text(R"([{"$as":"x"}, {"$ref":"x"}, {"$ref":"x","$type":"int"}])"),
            "(?x:any, ?x:any, ?x:int)");
  EXPECT_EQ(template_text(R"([{"$or":[7]}, {"$or":[1,{"$or":[2,3]}]}])"), "(7, 1|2|3)");
  EXPECT_EQ(template_text(R"([{"$lt":9,"$ge":3}])"), "(>=3 <9)");
}

TEST(TemplateJson, GivesBackEveryTemplate) {
  RandomTemplates random(8);
  for (int round = 0; round < 3000; ++round) {
    const Template made = random.made();
    for (const JsonNumbers numbers : {JsonNumbers::kPlain, JsonNumbers::kTagged}) {
      const std::string json = to_json(made, numbers);
      const auto again = template_from_json(json);
      ASSERT_TRUE(again.ok()) << json << ": " << again.status().to_string();
      ASSERT_EQ(*again, made) << json;
    }
  }
}

TEST(TemplateJson, SaysWhatIsWrongAndWhere) {
  const std::pair<std::string, std::string> kCases[] = {
      {"[{\"$rest\": true}, 1]", "column 2: nothing comes after \"$rest\""},
      {"[{\"$rest\": 1}]",
       "column 12: not a name: a letter or _, then letters, digits and _; not a type"},
      {"[{\"a\": {\"$rest\": true}}]",
       "column 8: \"$rest\" is the last of an array, or stands beside \"$map\""},
      {"[{\"$map\": {}, \"$rest\": \"x\"}]", "column 24: the \"$rest\" of a map is true"},
      {"[{\"$type\": \"strng\"}]",
       "column 12: no type \"strng\"; types: any null bool int float string bytes list map space"},
      {"[{\"$as\": \"int\"}]",
       "column 10: not a name: a letter or _, then letters, digits and _; not a type"},
      {"[{\"$as\": \"x\", \"$is\": {\"$as\": \"y\"}}]", "column 10: the field has a name already"},
      {"[{\"$ge\": 3, \"$gt\": 3}]", "column 13: \"$gt\" does not go with \"$ge\""},
      {"[{\"$ge\": 3, \"$lt\": 4, \"$le\": 4}]", "column 20: a range ends once on each side"},
      {"[{\"$ge\": 3, \"$lt\": 4.0}]", "column 2: a range has ends of one type, not int and float"},
      {"[{\"$ge\": 3, \"$lt\": 3}]", "column 2: a range is empty"},
      {"[{\"$ge\": {\"$type\": \"int\"}}]", "column 10: a range ends at a value"},
      {"[{\"$ge\": null}]", "column 2: a range is of int, float, string or bytes, not of null"},
      {"[{\"$prefix\": 7}]", "column 14: a prefix is a string or bytes"},
      {"[{\"$or\": 7}]", "column 10: \"$or\" holds an array"},
      {"[{\"$or\": []}]", "column 10: a choice has no alternative"},
      {"[{\"$or\": [{\"$as\": \"x\"}]}]",
       "column 10: there are no names inside alternatives; name the whole: ?x:1|2"},
      {"[{\"$re\": 7}]", "column 10: \"$re\" holds a string"},
      {"[{\"$re\": \"\"}]", "column 10: a regular expression is empty; any value is ?"},
      {"[{\"$ref\": \"y\"}, {\"$as\": \"x\"}]", "column 11: no field is called y"},
  };
  for (const auto& [json, error] : kCases) EXPECT_EQ(template_text(json), error) << json;
}

}  // namespace
}  // namespace tuplespace
