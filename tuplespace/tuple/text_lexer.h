// TextLexer cuts the text form of tuples and templates into tokens. The longest token wins; blanks
// stand between tokens, never inside.
//
// Errors:  kBad tokens, with what is wrong in `text`.
// Threads: any (a value).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "tuplespace/tuple/value.h"

namespace tuplespace {

struct Token {
  enum class Kind {
    kEnd,
    kSymbol,     // ( ) [ ] { } , : | * .. ... < <= > >= ?
    kWord,       // true, int; text is the word
    kType,       // ?int; `type`
    kNamed,      // ?id: ; text is the name
    kReference,  // $id, $id:int or $id+1; text is the name
    kNumber,     // text is the canonical value, as for all values
    kString,
    kBytes,
    kSpace,
    kRegex,  // text is the source
    kBad,    // text says what is wrong
  };

  Kind kind = Kind::kEnd;
  size_t begin = 0;  // offsets in the whole text
  size_t end = 0;
  std::string text;
  Type type = Type::kAny;
  bool typed = false;  // kReference: there is a type
  int64_t add = 0;     // kReference: what is added

  bool is(std::string_view symbol) const { return kind == Kind::kSymbol && text == symbol; }
};

class TextLexer {
 public:
  // Requires: `text` is UTF-8 and outlives the lexer.
  explicit TextLexer(std::string_view text) : text_(text) {}

  Token next();

 private:
  char peek(size_t ahead = 0) const;
  std::string_view rest() const { return text_.substr(at_); }
  std::string_view take_word();

  Token made(Token::Kind kind, std::string text);
  Token bad(size_t at, std::string what);

  Token number();
  Token bad_number();
  Token question();
  Token reference();
  bool take_sum(Token& token);
  Token string();
  Token bytes();
  Token hex_bytes();
  Token regex();
  Token space();

  std::string_view text_;
  size_t at_ = 0;
  size_t begin_ = 0;  // of the token that is being read
};

// Returns `"float"; types: any null ...` for errors about the word `word`.
std::string unknown_type(std::string_view word);

}  // namespace tuplespace
