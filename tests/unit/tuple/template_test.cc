// Which tuples templates match. Both are written as text.
#include "tuplespace/tuple/template.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <re2/re2.h>

#include "tests/unit/tuple/random_templates.h"
#include "tests/unit/tuple/random_tuples.h"
#include "tuplespace/tuple/encoding.h"
#include "tuplespace/tuple/text.h"

namespace tuplespace {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Template wanted(std::string_view text) {
  auto parsed = parse_template(text);
  EXPECT_TRUE(parsed.ok()) << text << ": " << parsed.status().to_string();
  return parsed.ok() ? *parsed : Template();
}

Tuple tuple(std::string_view text) {
  auto parsed = parse_tuple(text);
  EXPECT_TRUE(parsed.ok()) << text << ": " << parsed.status().to_string();
  return parsed.ok() ? *parsed : Tuple();
}

// Returns those of `tuples` that the template matches.
std::vector<std::string> matching(std::string_view text, const std::vector<std::string>& tuples) {
  const Template asked = wanted(text);
  std::vector<std::string> found;
  for (const std::string& each : tuples) {
    Bindings bindings;
    const bool matches = asked.matches(tuple(each));
    EXPECT_EQ(asked.bind(tuple(each).bytes(), bindings), matches) << text << " " << each;
    if (matches) found.push_back(each);
  }
  return found;
}

// What the names of the template stand for, as text.
std::vector<std::string> bound(std::string_view text, std::string_view to) {
  const Template asked = wanted(text);
  Bindings bindings;
  EXPECT_TRUE(asked.bind(tuple(to).bytes(), bindings)) << text << " " << to;
  std::vector<std::string> made;
  for (size_t i = 0; i < bindings.size(); ++i) {
    made.push_back(asked.names()[i] + "=" + field_to_text(bindings[i]));
  }
  return made;
}

TEST(Template, AsksForAValueByTypeAndValue) {
  EXPECT_THAT(matching("(1)", {"(1)", "(1.0)", "(true)", "('1')", "(2)", "()", "(1, 1)"}),
              ElementsAre("(1)"));
  EXPECT_THAT(matching("('a')", {"('a')", "(b'a')", "(@'a')", R"(("a\u0000"))", "('ab')"}),
              ElementsAre("('a')"));
  EXPECT_THAT(matching("(null)", {"(null)", "(false)", "(0)"}), ElementsAre("(null)"));
  EXPECT_THAT(matching("({'a': 1})", {"({'a': 1})", "({})", "({'a': 1, 'b': 1})"}),
              ElementsAre("({'a': 1})"));
}

TEST(Template, TellsATextFromALongerOneWithAZero) {
  // The end of the first is how a zero in the second begins.
  EXPECT_THAT(matching("('a', ?)", {R"(("a", 1))", R"(("a\u0000", 1))", R"(("a\u0000b", 1))"}),
              ElementsAre(R"(("a", 1))"));
  EXPECT_THAT(matching("('a', ...)", {R"(("a\u0000"))", R"(("a\u0000\u0000"))", "('a')"}),
              ElementsAre("('a')"));
}

TEST(Template, AsksForAnythingOrForAType) {
  const std::vector<std::string> all = {"(null)", "(true)", "(1)",  "(1.0)", "('a')",
                                        "(b'a')", "([1])",  "({})", "(@'a')"};
  EXPECT_EQ(matching("(?)", all), all);
  EXPECT_EQ(matching("(?any)", all), all);
  EXPECT_THAT(matching("(?null)", all), ElementsAre("(null)"));
  EXPECT_THAT(matching("(?bool)", all), ElementsAre("(true)"));
  EXPECT_THAT(matching("(?int)", all), ElementsAre("(1)"));
  EXPECT_THAT(matching("(?float)", all), ElementsAre("(1.0)"));
  EXPECT_THAT(matching("(?string)", all), ElementsAre("('a')"));
  EXPECT_THAT(matching("(?bytes)", all), ElementsAre("(b'a')"));
  EXPECT_THAT(matching("(?list)", all), ElementsAre("([1])"));
  EXPECT_THAT(matching("(?map)", all), ElementsAre("({})"));
  EXPECT_THAT(matching("(?space)", all), ElementsAre("(@'a')"));
}

TEST(Template, AsksForARange) {
  const std::vector<std::string> ints = {"(-300)", "(-1)", "(0)", "(3)", "(9)", "(256)", "(5.0)"};
  EXPECT_THAT(matching("(3..9)", ints), ElementsAre("(3)", "(9)"));
  EXPECT_THAT(matching("(>=3 <9)", ints), ElementsAre("(3)"));
  EXPECT_THAT(matching("(>3)", ints), ElementsAre("(9)", "(256)"));
  EXPECT_THAT(matching("(<=-1)", ints), ElementsAre("(-300)", "(-1)"));
  EXPECT_THAT(matching("(>3|>3.0)", ints), ElementsAre("(9)", "(256)", "(5.0)"));
  const std::vector<std::string> floats = {"(-inf)", "(-2.5)", "(0.0)", "(1e300)", "(inf)", "(1)"};
  EXPECT_THAT(matching("(<0.0)", floats), ElementsAre("(-inf)", "(-2.5)"));
  EXPECT_THAT(matching("(-0.0..inf)", floats), ElementsAre("(0.0)", "(1e300)", "(inf)"));
  const std::vector<std::string> texts = {"('')", "('a')", R"(("a\u0000"))", "('b')", "(b'a')"};
  EXPECT_THAT(matching("('a'..'b')", texts), ElementsAre("('a')", R"(("a\u0000"))", "('b')"));
  EXPECT_THAT(matching("(>'a' <'b')", texts), ElementsAre(R"(("a\u0000"))"));
  EXPECT_THAT(matching("(<=b'b')", texts), ElementsAre("(b'a')"));
}

TEST(Template, AsksForAPrefix) {
  const std::vector<std::string> texts = {"('pre')",  "('prefix')",       "('pr')",
                                          "(b'pre')", R"(("pre\u0000"))", "(@'prefix')"};
  EXPECT_THAT(matching("('pre'*)", texts),
              ElementsAre("('pre')", "('prefix')", R"(("pre\u0000"))"));
  EXPECT_THAT(matching(R"(("pre\u0000"*))", texts), ElementsAre(R"(("pre\u0000"))"));
  EXPECT_THAT(matching("(b''*)", texts), ElementsAre("(b'pre')"));
}

TEST(Template, AsksForOneOfSeveral) {
  const std::vector<std::string> values = {"(1)", "(2)", "('a')", "('b')", "(null)", "([7])"};
  EXPECT_THAT(matching("(1|'a'|?null)", values), ElementsAre("(1)", "('a')", "(null)"));
  EXPECT_THAT(matching("(>1|[?]|/b/)", values), ElementsAre("(2)", "('b')", "([7])"));
}

TEST(Template, SearchesStringsWithARegularExpression) {
  const std::vector<std::string> texts = {"('abc')",  "('xabc')", R"(("a\u0000c"))",
                                          "(b'abc')", "('')",     "('ABC')"};
  EXPECT_THAT(matching("(/^a.c$/)", texts), ElementsAre("('abc')", R"(("a\u0000c"))"));
  EXPECT_THAT(matching("(/bc/)", texts), ElementsAre("('abc')", "('xabc')"));
  EXPECT_THAT(matching("(/(?i)^abc/)", texts), ElementsAre("('abc')", "('ABC')"));
  EXPECT_THAT(matching("(/^$/)", texts), ElementsAre("('')"));
}

TEST(Template, SearchesAsTheExpressionSaysInWhateverFormItIsKept) {
  const std::string sources[] = {R"(^\Qa.b\E$)", R"(\Q[/\E]+)", R"(a\/b)", "[\n/]",
                                 "a\nb",         R"(\Qa\E*$)",  "\\\x07",  "[^\x01]\u202e",
                                 R"(\\/)",       R"(\Qé\/)"};
  const std::string texts[] = {"a.b", "axb",  "[/",      "[/]]",       "a/b", "\n",   "a\nb", "aaa",
                               "",    "\x07", "x\u202e", "\x01\u202e", "\\/", "é\\/", "é/"};
  int found = 0;
  for (const std::string& source : sources) {
    const auto pattern = regex_pattern(source);
    ASSERT_TRUE(pattern.ok()) << pattern.status().to_string();
    const Template asked = *Template::of({*pattern}, {});
    for (const std::string& text : texts) {
      const bool expected = re2::RE2::PartialMatch(text, re2::RE2(source));
      EXPECT_EQ(asked.matches(*Tuple::of({text})), expected) << source << " | " << text;
      found += expected;
    }
  }
  EXPECT_GT(found, 10);
}

TEST(Template, LooksIntoLists) {
  const std::vector<std::string> lists = {"([])", "([1])", "([1, 2])", "([[1], 2])", "(1)"};
  EXPECT_THAT(matching("([?, ?])", lists), ElementsAre("([1, 2])", "([[1], 2])"));
  EXPECT_THAT(matching("([?int, ...])", lists), ElementsAre("([1])", "([1, 2])"));
  EXPECT_THAT(matching("([...])", lists), ElementsAre("([])", "([1])", "([1, 2])", "([[1], 2])"));
  EXPECT_THAT(matching("([[?], ?])", lists), ElementsAre("([[1], 2])"));
  EXPECT_THAT(matching("([])", lists), ElementsAre("([])"));
}

TEST(Template, LooksIntoMapsAndWantsExactlyItsKeys) {
  const std::vector<std::string> maps = {
      "({})", "({'a': 1})", "({'a': 1, 'b': 2})", "({'b': 2})", "({'a': 'x', 'b': 2, 'c': 3})",
      "([])"};
  EXPECT_THAT(matching("({'a': ?})", maps), ElementsAre("({'a': 1})"));
  EXPECT_THAT(matching("({'a': ?int, ...})", maps),
              ElementsAre("({'a': 1})", "({'a': 1, 'b': 2})"));
  EXPECT_THAT(matching("({'b': 2, ...})", maps),
              ElementsAre("({'a': 1, 'b': 2})", "({'b': 2})", "({'a': 'x', 'b': 2, 'c': 3})"));
  EXPECT_THAT(matching("({'c': ?, 'a': ?, ...})", maps),
              ElementsAre("({'a': 'x', 'b': 2, 'c': 3})"));
  EXPECT_EQ(matching("({...})", maps).size(), 5u);
  EXPECT_THAT(matching("({'b': ?, 'd': ?, ...})", maps), IsEmpty());
}

TEST(Template, IsStrictAboutTheNumberOfFieldsUnlessThereIsARest) {
  const std::vector<std::string> tuples = {"()", "(1)", "(1, 2)", "(1, 2, 3)"};
  EXPECT_THAT(matching("()", tuples), ElementsAre("()"));
  EXPECT_THAT(matching("(?, ?)", tuples), ElementsAre("(1, 2)"));
  EXPECT_EQ(matching("(...)", tuples), tuples);
  EXPECT_THAT(matching("(1, 2, ...)", tuples), ElementsAre("(1, 2)", "(1, 2, 3)"));
  EXPECT_THAT(matching("(>0, ?, ?, ?)", tuples), IsEmpty());
  EXPECT_THAT(matching("(>0)", tuples), ElementsAre("(1)"));
}

TEST(Template, WantsFieldsOfOneNameEqual) {
  const std::vector<std::string> pairs = {"(1, 1)", "(1, 2)", "(1, 1.0)", "('a', 'a')"};
  EXPECT_THAT(matching("(?x:any, ?x:any)", pairs), ElementsAre("(1, 1)", "('a', 'a')"));
  EXPECT_THAT(matching("(?x:int, $x)", pairs), ElementsAre("(1, 1)"));
  EXPECT_THAT(matching("(?x:any, [?x:any])", {"(1, [1])", "(1, [2])"}), ElementsAre("(1, [1])"));
  EXPECT_THAT(
      matching("({'a': ?x:any, 'b': ?x:any})", {"({'a': 1, 'b': 1})", "({'a': 1, 'b': 2})"}),
      ElementsAre("({'a': 1, 'b': 1})"));
  EXPECT_THAT(matching("(?x:list, ?x:...)", {"([1, 2], 1, 2)", "([1, 2], 1)", "([])", "([1])"}),
              ElementsAre("([1, 2], 1, 2)", "([])"));
}

TEST(Template, BindsItsNames) {
  EXPECT_THAT(bound("('job', ?id:int, ?rest:...)", "('job', 7, 'a', null)"),
              ElementsAre("id=7", "rest=[\"a\", null]"));
  EXPECT_THAT(bound("(?m:{'k': ?v:any, ...}, [1, ?tail:...])", "({'a': 1, 'k': 'x'}, [1])"),
              ElementsAre("m={\"a\": 1, \"k\": \"x\"}", "v=\"x\"", "tail=[]"));
  EXPECT_THAT(bound("(?x:1|2)", "(2)"), ElementsAre("x=2"));
  EXPECT_THAT(bound("(?)", "(1)"), IsEmpty());
}

TEST(Template, LeavesBindingsAloneWhenItDoesNotMatch) {
  Bindings bindings = {"before"};
  EXPECT_FALSE(wanted("(?x:int)").bind(tuple("('a')").bytes(), bindings));
  EXPECT_THAT(bindings, ElementsAre("before"));
}

TEST(Template, FindsTheFieldOfAName) {
  const Template asked = wanted("(1, ?id:int, [?inner:int], ?all:...)");
  EXPECT_EQ(asked.field_of_name("id"), 1);
  EXPECT_EQ(asked.field_of_name("inner"), -1);
  EXPECT_EQ(asked.field_of_name("all"), -1);
  EXPECT_EQ(asked.field_of_name("none"), -1);
}

TEST(Template, IsPlainWhenNothingButEqualityAndTypeDecides) {
  for (const char* text : {"()", "(1, ?int, ?)", "(1, ?x:int, ...)", "([1, {'k': 2}])"}) {
    EXPECT_TRUE(wanted(text).plain()) << text;
  }
  for (const char* text :
       {"(>1)", "('a'*)", "(1|2)", "(/a/)", "([?])", "({...})", "(?x:int, ?x:int)"}) {
    EXPECT_FALSE(wanted(text).plain()) << text;
  }
}

TEST(Template, NumbersItsNamesInTheOrderOfTheirFirstUse) {
  Pattern first = any_pattern();
  first.name = 2;
  Pattern second = any_pattern();
  second.name = 0;
  const Template made = *Template::of({first, second}, {"b", "unused", "a"});
  EXPECT_THAT(made.names(), ElementsAre("a", "b"));
  EXPECT_EQ(made, wanted("(?a:any, ?b:any)"));
  EXPECT_FALSE(made == wanted("(?b:any, ?a:any)"));
}

TEST(Template, RefusesNamesThatAreNone) {
  Pattern named = any_pattern();
  named.name = 0;
  EXPECT_TRUE(Template::of({named}, {"_x9"}).ok());
  for (const char* name : {"", "9x", "a b", "int", "any", "é"}) {
    EXPECT_THAT(Template::of({named}, {name}).status().message(), HasSubstr("is no name")) << name;
  }
  EXPECT_EQ(Template::of({named}, {}).status().message(), "a pattern has an unknown name");
}

TEST(Template, NestsAsDeepAsTuplesDo) {
  std::string text = "?";
  for (int i = 0; i < 16; ++i) text = i % 2 == 0 ? "[" + text + "]" : "{\"k\": " + text + "}";
  EXPECT_TRUE(parse_template("(" + text + ")").ok());
  EXPECT_THAT(parse_template("([" + text + "])").status().message(), HasSubstr("depth_max 16"));
  Pattern pattern = any_pattern();
  for (int i = 0; i < 17; ++i) pattern = list_pattern({pattern}, false, -1);
  EXPECT_EQ(Template::of({pattern}, {}).status().problem().bound, "depth_max");
}

TEST(Template, ExactlyMatchesItsTupleOnly) {
  RandomTuples random(12);
  Tuple before;
  for (int round = 0; round < 3000; ++round) {
    const Tuple made = *Tuple::of(random.values());
    const Template exactly = Template::exactly(made);
    ASSERT_TRUE(exactly.plain());
    ASSERT_TRUE(exactly.matches(made));
    ASSERT_EQ(exactly.matches(before), made == before) << to_text(made) << to_text(before);
    before = made;
  }
}

// Whether one pattern accepts a field, said once more on values instead of bytes.
bool accepts(const Pattern& pattern, const Value& value) {
  std::string field;
  EXPECT_TRUE(encode(value, {}, field).ok());
  switch (pattern.kind) {
    case Pattern::Kind::kAny: return true;
    case Pattern::Kind::kType: return value.type() == pattern.type;
    case Pattern::Kind::kValue: return value == decode(pattern.value);
    case Pattern::Kind::kChoice:
      for (const Pattern& item : pattern.items) {
        if (accepts(item, value)) return true;
      }
      return false;
    case Pattern::Kind::kList: {
      if (value.type() != Type::kList) return false;
      const Value::List& list = value.as_list();
      if (list.size() < pattern.items.size()) return false;
      if (list.size() > pattern.items.size() && !pattern.rest) return false;
      for (size_t i = 0; i < pattern.items.size(); ++i) {
        if (!accepts(pattern.items[i], list[i])) return false;
      }
      return true;
    }
    case Pattern::Kind::kMap: {
      if (value.type() != Type::kMap) return false;
      const Value::Map& map = value.as_map();
      if (map.size() > pattern.keys.size() && !pattern.rest) return false;
      for (size_t i = 0; i < pattern.keys.size(); ++i) {
        const auto found = map.find(decode(pattern.keys[i]).as_string());
        if (found == map.end() || !accepts(pattern.items[i], found->second)) return false;
      }
      return true;
    }
    // One pattern and one field: nothing to say it with but the template itself.
    case Pattern::Kind::kRange:
    case Pattern::Kind::kPrefix:
    case Pattern::Kind::kRegex:
    case Pattern::Kind::kReference: return Template::of({pattern}, {})->matches(field);
  }
  return false;
}

Pattern without_names(Pattern pattern) {
  pattern.name = -1;
  pattern.rest_name = -1;
  for (Pattern& item : pattern.items) item = without_names(std::move(item));
  return pattern;
}

TEST(Template, MatchesWhatAModelOnValuesMatches) {
  RandomTemplates templates(13);
  RandomTuples tuples(14);
  int matched = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::vector<Pattern> fields;
    const Template named = templates.made();
    for (const Pattern& field : named.fields()) fields.push_back(without_names(field));
    const Template asked = *Template::of(fields, {}, named.rest());
    const std::vector<Value> values = tuples.values();
    bool expected =
        values.size() == fields.size() || (named.rest() && values.size() > fields.size());
    for (size_t i = 0; expected && i < fields.size(); ++i) expected = accepts(fields[i], values[i]);
    const Tuple tuple = *Tuple::of(values);
    ASSERT_EQ(asked.matches(tuple), expected) << to_text(asked) << " " << to_text(tuple);
    matched += expected;
  }
  EXPECT_GT(matched, 1000);
}

}  // namespace
}  // namespace tuplespace
