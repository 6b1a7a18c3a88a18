// The text form: what it accepts, what it says about the rest, and that it prints what it reads.
#include "tuplespace/tuple/text.h"

#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/tuple/random_templates.h"
#include "tests/unit/tuple/random_tuples.h"

namespace tuplespace {
namespace {

using ::testing::HasSubstr;

// Returns what parsing `text` and printing it gives, or the error.
std::string tuple_again(std::string_view text, const Arguments& arguments = {}) {
  const auto parsed = parse_tuple(text, arguments);
  return parsed.ok() ? to_text(*parsed) : parsed.status().message();
}

std::string template_again(std::string_view text, const Arguments& arguments = {}) {
  const auto parsed = parse_template(text, arguments);
  return parsed.ok() ? to_text(*parsed) : parsed.status().message();
}

std::vector<Value> values_of(std::string_view text) {
  const auto parsed = parse_tuple(text);
  EXPECT_TRUE(parsed.ok()) << parsed.status().to_string();
  return parsed.ok() ? parsed->values() : std::vector<Value>();
}

TEST(TupleText, ReadsEveryType) {
  EXPECT_EQ(values_of(R"(("job", 7, -3.5, true, false, null, b"\x00\xff", @"jobs"))"),
            (std::vector<Value>{"job", 7, -3.5, true, false, nullptr,
                                Bytes{std::string("\x00\xff", 2)}, SpaceHandle{"jobs"}}));
  EXPECT_EQ(values_of(R"((["a", 1], {"k": 1, "l": {}}, [], inf))"),
            (std::vector<Value>{Value::List{"a", 1}, Value::Map{{"k", 1}, {"l", Value::Map{}}},
                                Value::List{}, std::numeric_limits<double>::infinity()}));
  EXPECT_EQ(values_of("()"), std::vector<Value>());
}

TEST(TupleText, PrintsWhatItReads) {
  for (const std::string text : {
           R"(())",
           R"((7))",
           R"(("job", 7, 3.5, true, null, b"\x00\xff", ["a", 1], {"k": 1}))",
           R"((-9223372036854775808, 9223372036854775807, 0))",
           R"((0.0, 30.0, 0.1, 1e+300, 5e-324, inf, -inf))",
           R"((@"orders/2026", [[], {}], {"": {"a": [null]}}))",
           R"(("\"\\\n\t\r\b\f\u0000\u007f\u202e é 😀 /"))",
       }) {
    EXPECT_EQ(tuple_again(text), text);
  }
}

TEST(TupleText, ReadsOtherSpellingsOfTheSame) {
  EXPECT_EQ(tuple_again(" ( 'it\\'s' ,\n\t\"\\u00e9\\ud83d\\ude00\\/\" , ) "),
            R"(("it's", "é😀/"))");
  EXPECT_EQ(tuple_again(R"((b'a"\'\n\x41', x"00fF", x''))"), R"((b"a\"'\nA", b"\x00\xff", b""))");
  EXPECT_EQ(tuple_again("(-0, -0.0, 1E5, 1e-400, 0e9)"), "(0, 0.0, 100000.0, 0.0, 0.0)");
  EXPECT_EQ(tuple_again(R"(({"b": 1, "a": 2,}, [1,],))"), R"(({"a": 2, "b": 1}, [1]))");
  EXPECT_EQ(tuple_again("(@'jobs')"), "(@\"jobs\")");
}

TEST(TupleText, GivesBackEveryTuple) {
  RandomTuples random(4);
  for (int round = 0; round < 3000; ++round) {
    const Tuple tuple = *Tuple::of(random.values());
    const std::string text = to_text(tuple);
    const auto again = parse_tuple(text);
    ASSERT_TRUE(again.ok()) << text << ": " << again.status().to_string();
    ASSERT_EQ(*again, tuple) << text;
    ASSERT_EQ(*parse_template(text), Template::exactly(tuple)) << text;
  }
}

TEST(TupleText, ShowsNoCharacterThatControlsATerminal) {
  EXPECT_EQ(to_text(*Tuple::of({"\x1b[31m\u009b\u2066", Bytes{"\x1b"}})),
            R"(("\u001b[31m\u009b\u2066", b"\x1b"))");
  EXPECT_EQ(to_text(*parse_template("(/\x1b\\\x07[\x01-\x02]/)")),
            R"((/\x{1b}\x{7}[\x{1}-\x{2}]/))");
}

TEST(TupleText, SaysWhatIsWrongAndWhere) {
  const std::pair<std::string, std::string> kCases[] = {
      // The table in docs/language.md.
      {"('job' 7)", "column 8: expected \",\" or \")\" before 7"},
      {"job", "not a tuple; strings need quotes: (\"job\")"},
      {"(True)", "column 2: unknown word True; did you mean true?"},
      {"(None)", "column 2: unknown word None; did you mean null?"},
      {"(nil)", "column 2: unknown word nil; did you mean null?"},
      {"(?strng)",
       "column 2: no type \"strng\"; types: any null bool int float string bytes list map space; "
       "to name a field: ?strng:any"},
      {"({k: 1})", "column 3: map keys are strings: {\"k\": 1}"},
      {"(1, (2, 3))", "column 5: a tuple is not a value; write a list: [2, 3]"},
      {"(3...9)", "column 3: a range has two dots: 3..9"},
      {"(b\"é\")", "column 4: bytes are ASCII with \\xHH"},
      {"(*)", "column 2: any value is ?, any further fields are ..."},
      {"(?int)", "out needs values; field 1 is the template ?int"},
      // Numbers.
      {"(007)", "column 2: 007 is not a number; write 7"},
      {"(3.)", "column 2: 3. is not a number; write 3.0"},
      {"(-.5)", "column 2: -.5 is not a number; write -0.5"},
      {"(.5)", "column 2: .5 is not a number; write 0.5"},
      {"(+5)", "column 2: +5 is not a number; write 5"},
      {"(3x)", "column 2: 3x is not a number"},
      {"(-)", "column 2: - is not a number"},
      {"(1.2.3)", "column 2: 1.2.3 is not a number"},
      {"(9223372036854775808)", "column 2: 9223372036854775808 is beyond int, -2^63 to 2^63-1"},
      {"(1e400)", "column 2: 1e400 is beyond float"},
      {"(-1e99999999999999999999)", "column 2: -1e99999999999999999999 is beyond float"},
      {"(NaN)", "column 2: NaN is not a value"},
      // Brackets and commas.
      {"", "not a tuple; the empty one is ()"},
      {"\"a\"", "not a tuple; its fields stand in parentheses: (\"job\", 7)"},
      {"(", "column 2: expected a value before the end"},
      {"(1", "column 3: expected \",\" or \")\" before the end"},
      {"(,)", "column 2: expected a value before ,"},
      {"(1,,2)", "column 4: expected a value before ,"},
      {"(1) 2", "column 5: expected the end before 2"},
      {"([1)", "column 4: expected \",\" or \"]\" before )"},
      {"({\"a\" 1})", "column 7: expected \":\" and a value before 1"},
      {"({\"a\": 1, \"a\": 2})", "column 2: a map has the key \"a\" twice"},
      {"({[]: 1})", "column 3: expected a key before ["},
      {"({7: x})", "column 3: map keys are strings: {\"7\": x}"},
      {"(1, (\"a\"))", "column 5: a tuple is not a value; write a list: [2, 3]"},
      {"(job)", "column 2: unknown word job; strings need quotes: \"job\""},
      {"(int)", "column 2: unknown word int; any int is ?int"},
      {"(=)", "column 2: \"=\" begins no value"},
      {"(\xe2\x80\xae)", "column 2: \"\\u202e\" begins no value"},
      // Text and bytes.
      {"(\"abc)", "column 2: a string has no closing \""},
      {"('é', \"\\x41\")", R"(column 8: a string's escapes are \" \' \\ \/ \b \f \n \r \t \uXXXX)"},
      {R"(("\ud800"))", "column 3: \\ud800 is half of a character"},
      {R"(("a\udc00\ud800"))", "column 4: \\udc00 is half of a character"},
      {R"(("\ud800\u0041"))", "column 3: \\ud800 is half of a character"},
      {R"(("\u12g4"))", "column 3: \\u needs four hexadecimal digits"},
      {"(b\"\\x4\")", "column 4: \\x needs two hexadecimal digits"},
      {"(b\"\\q\")", R"(column 4: the escapes of bytes are \\ \" \' \n \r \t \xHH)"},
      {"(b\"a", "column 2: bytes have no closing \""},
      {"(x'0')", "column 4: x\"...\" holds pairs of hexadecimal digits"},
      {"(x'00", "column 2: bytes have no closing '"},
      {"(@jobs)", "column 2: a space is @\"name\""},
      {"(@\"a b\")",
       "column 2: a space's name is made of A-Z a-z 0-9 . _ / -, at most 128 of them"},
      {"(\"\xff\")", "column 3: the text is not UTF-8"},
      {"(1,\n  two)", "line 2 column 3: unknown word two; strings need quotes: \"two\""},
      // Templates in place of values.
      {"(1, [2, ?])", "out needs values; field 2 is the template [2, ?]"},
      {"(1, ?id:7)", "out needs values; field 2 is the template ?id:7"},
      {"(1, ...)", "out needs values; field 2 is the template ..."},
      {"(?all:...)", "out needs values; field 1 is the template ?all:..."},
      {"($id)", "column 2: $id has no value; give --arg id VALUE"},
  };
  for (const auto& [text, error] : kCases) EXPECT_EQ(tuple_again(text), error) << text;
}

TEST(TupleText, KeepsToItsBounds) {
  Limits limits;
  limits.fields_max = 2;
  limits.tuple_bytes_max = 10;
  limits.depth_max = 2;
  const auto why_not = [&](std::string_view text) {
    return parse_tuple(text, {}, limits).status().to_string();
  };
  EXPECT_EQ(why_not("(1, 2, 3)"),
            "RESOURCE_EXHAUSTED: tuple has 3 fields, fields_max is 2; put some into a list");
  EXPECT_THAT(why_not("('123456789')"), HasSubstr("tuple is 11 bytes, tuple_bytes_max is 10"));
  EXPECT_EQ(why_not("([{'a': 1}])"), "OK");
  EXPECT_EQ(why_not("([{'a': []}])"),
            "INVALID_ARGUMENT: column 9: lists and maps nest deeper than depth_max 2");
  EXPECT_THAT(tuple_again("(" + std::string(100'000, '[')), HasSubstr("depth_max 16"));
}

TEST(TemplateText, PrintsWhatItReads) {
  for (const std::string text : {
           R"((?, ?int, ?null, ?any))",
           R"((?id:int, ?x:any, ?n:int|null, ?k:"a"|"b", ?v:>30.0, ?z:null))",
           R"((3..9, >5, <="m", >=3 <9, >"a" <="b"))",
           R"((-inf..0.0, "a".."b", -5..-3, >b""))",
           R"(("pre"*, b"\x00"*, ""*, "a"*|7|3..5|?list))",
           R"((/^a\/b\\c/|/x|y/))",
           R"(([1, ?], [...], [?x:any, ?more:...], [[1, 2], {"k": 1}]))",
           R"(({"a": ?int, "b": {"c": ?}}, {...}, {"a": 1, ...}))",
           R"((...))",
           R"((1, ?all:...))",
           R"((?a:[?b:{"k": ?c:int}]))",
       }) {
    const std::string any_is_shorter =
        text == "(?, ?int, ?null, ?any)" ? "(?, ?int, ?null, ?)" : text;
    EXPECT_EQ(template_again(text), any_is_shorter);
  }
}

TEST(TemplateText, ReadsOtherSpellingsOfTheSame) {
  EXPECT_EQ(template_again("(?x:any, ?y:?int, ?z:?, ?w:?null)"),
            "(?x:any, ?y:int, ?z:any, ?w:?null)");
  EXPECT_EQ(template_again("(> 5, >=3   <=9, 'a'  *, 1 | 2, 3 .. 9)"),
            "(>5, 3..9, \"a\"*, 1|2, 3..9)");
  EXPECT_EQ(template_again("({\"b\": ?x:int, \"a\": ?y:int})"), "({\"a\": ?y:int, \"b\": ?x:int})");
  EXPECT_EQ(template_again("(1, ..., )"), "(1, ...)");
  EXPECT_EQ(template_again("({..., })"), "({...})");
  EXPECT_EQ(*parse_template("([1, [2]], {'k': null})"),
            Template::exactly(*parse_tuple("([1, [2]], {'k': null})")));
}

TEST(TemplateText, WritesRegularExpressionsInOneForm) {
  EXPECT_EQ(template_again(R"((/a\/b/))"), R"((/a\/b/))");
  EXPECT_EQ(template_again(R"((/\Q.a\/é\E+\Qx/))"), R"((/\.a\/é+x/))");
  EXPECT_TRUE(parse_template(R"((/^\Qa\/b\E$/))")->matches(*parse_tuple(R"(("a/b"))")));
  EXPECT_TRUE(parse_template(R"((/^\Qa\\b\E$/))")->matches(*parse_tuple(R"(("a\\\\b"))")));
}

TEST(TemplateText, GivesBackEveryTemplate) {
  RandomTemplates random(5);
  for (int round = 0; round < 3000; ++round) {
    const Template made = random.made();
    const std::string text = to_text(made);
    const auto again = parse_template(text);
    ASSERT_TRUE(again.ok()) << text << ": " << again.status().to_string();
    ASSERT_EQ(*again, made) << text << " became " << to_text(*again);
  }
}

TEST(TemplateText, SaysWhatIsWrongAndWhere) {
  const std::pair<std::string, std::string> kCases[] = {
      {"(..., 1)", "column 7: nothing comes after ..."},
      {"([..., ...])", "column 8: nothing comes after ..."},
      {"({..., 'a': 1})", "column 8: nothing comes after ..."},
      {"(3...)", "column 3: expected \",\" before ..."},
      {"(3..)", "column 5: expected the end of the range before )"},
      {"(>?)", "column 3: expected a number, string or bytes before ?"},
      {"(>null)", "column 3: expected a number, string or bytes before null"},
      {"(3..9.0)", "column 2: a range has ends of one type, not int and float"},
      {"(9..3)", "column 2: a range is empty"},
      {"(1, >3 <3)", "column 5: a range is empty"},
      {"(7*)", "column 3: expected \",\" or \")\" before *"},
      {"(1|)", "column 4: expected a value before )"},
      {"(1|?x:2)", "column 4: a name stands in front of a field, not inside: ?x:1|2"},
      {"([?x:int]|1)", "column 2: there are no names inside alternatives; name the whole: ?x:1|2"},
      {"(?x:?y:int)", "column 5: a name stands in front of a field, not inside: ?x:1|2"},
      {"(?x:$y, ?y:int)", "column 5: the field has a name already, x"},
      {"(?int:7)", "column 2: \"int\" is a type; call the field something else"},
      {"(?id :int)",
       "column 2: no type \"id\"; types: any null bool int float string bytes list map space; "
       "to name a field: ?id:any"},
      {"({?x:...})", "column 3: expected a key before ?x:"},
      {"(//)", "column 2: a regular expression is empty; any value is ?"},
      {"(/a", "column 2: a regular expression has no closing /"},
      {"(/a\\)", "column 2: a regular expression has no closing /"},
      {"($)", "column 2: $ begins the name of an argument: $id or $id:int"},
      {"($int)", "column 2: \"int\" is a type; call the argument something else"},
      {"($x:strng)",
       "column 2: no type \"strng\"; types: any null bool int float string bytes list map space"},
      {"(?x:int, $y)", "column 10: $y has no value; give --arg y VALUE"},
  };
  for (const auto& [text, error] : kCases) EXPECT_EQ(template_again(text), error) << text;
  EXPECT_THAT(template_again("(/(/)"),
              HasSubstr("column 2: /(/ is no regular expression: missing )"));
  EXPECT_THAT(template_again("(/" + std::string(5000, 'a') + "/)"),
              HasSubstr("column 2: a regular expression is 5000 bytes, at most 4096"));
  EXPECT_THAT(template_again("([" + std::string(3 * kPatternsMax, '?') + "])"),
              HasSubstr("expected"));
  std::string many = "([";
  for (size_t i = 0; i < kPatternsMax; ++i) many += "?,";
  EXPECT_THAT(template_again(many + "])"), HasSubstr("template has more patterns than 4096"));
}

TEST(TextArguments, AreStringsUnlessATypeIsAskedFor) {
  const Arguments arguments = {{"id", "7"}, {"file", "a\"b\n"}, {"empty", ""}};
  EXPECT_EQ(tuple_again("($id, $id:int, $id:float, $id:any, $file, $empty)", arguments),
            R"(("7", 7, 7.0, 7, "a\"b\n", ""))");
  EXPECT_EQ(template_again("($id:int|?null, ?x:$id)", arguments), R"((7|?null, ?x:"7"))");
}

TEST(TextArguments, AreReadAsTheirType) {
  const Arguments arguments = {{"b", "true"}, {"n", "null"},         {"f", "-inf"},
                               {"g", "1e3"},  {"l", "[1, x\"00\"]"}, {"m", "{'k': []}"},
                               {"s", "jobs"}, {"raw", "\xff\"\n"}};
  EXPECT_EQ(tuple_again("($b:bool, $n:null, $f:float, $g:float, $l:list, $m:map, $s:space, "
                        "$raw:bytes, $s:string)",
                        arguments),
            R"((true, null, -inf, 1000.0, [1, b"\x00"], {"k": []}, @"jobs", b"\xff\"\n", "jobs"))");
}

TEST(TextArguments, ThatAreNotOfTheirTypeAreNamed) {
  const Arguments arguments = {{"x", "a b"}, {"i", "7"}, {"e", ""}, {"raw", "\xff"}};
  const std::pair<std::string, std::string> kCases[] = {
      {"(1, $x:int)", "column 5: --arg x is no int: \"a b\""},
      {"($i:string, $i:bool)", "column 13: --arg i is no bool: \"7\""},
      {"($i:list)", "column 2: --arg i is no list: \"7\""},
      {"($e:int)", "column 2: --arg e is no int: \"\""},
      {"($e:float)", "column 2: --arg e is no float: \"\""},
      {"($x:float)", "column 2: --arg x is no float: \"a b\""},
      {"($x:space)", "column 2: --arg x is no space: \"a b\""},
      {"($raw)", "column 2: --arg raw is not UTF-8; take it as $raw:bytes"},
      {"($raw:any)", "column 2: --arg raw is no any: \"\""},
      {"($y)", "column 2: $y has no value; give --arg y VALUE"},
  };
  for (const auto& [text, error] : kCases) EXPECT_EQ(tuple_again(text, arguments), error) << text;
}

TEST(TextArguments, WithoutValueMeanEqualWhereAFieldHasTheirName) {
  EXPECT_EQ(template_again("(?x:int, $x)"), "(?x:int, ?x:any)");
  EXPECT_EQ(template_again("($x, [?x:int])"), "(?x:any, [?x:int])");
  EXPECT_EQ(template_again("(?x:any, $x:string)"), "(?x:any, ?x:string)");
  EXPECT_EQ(template_again("(?all:..., )"), "(?all:...)");
  const Template equal = *parse_template("(?x:any, $x)");
  EXPECT_TRUE(equal.matches(*parse_tuple("(1, 1)")));
  EXPECT_FALSE(equal.matches(*parse_tuple("(1, 1.0)")));
  // A value that is given wins.
  EXPECT_EQ(template_again("(?x:int, $x)", {{"x", "7"}}), "(?x:int, \"7\")");
}

TEST(FieldText, PrintsOneCanonicalField) {
  EXPECT_EQ(field_to_text("\x18\x0d\x07\x16"
                          "a" +
                          std::string(2, '\0')),
            "[7, \"a\"]");
}

}  // namespace
}  // namespace tuplespace
