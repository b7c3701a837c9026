import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "reference"))
import reference  # noqa: E402

HEADER = """#pragma once

#include <string>

namespace moldau::client {

class other;

/// Says hello.
///
///     greeter g;
class greeter {
 public:
  /// To whom.
  /// Default: the world.
  std::string name = "world";
  greeter(int n) : count_(n) {}
  /// As a line.
  [[nodiscard]] std::string line() const { return "hello " + name; }

 private:
  /// Nobody's business.
  int count_ = 0;
};

enum class mood : int { glad = 0, sad = 1 };

namespace detail {
/// Not to be seen.
struct hidden {};
}  // namespace detail

/// How many there are.
int count(const greeter& of);

}  // namespace moldau::client
"""


class Reference(unittest.TestCase):
    def page(self, text):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "moldau" / "hello.hpp"
            path.parent.mkdir()
            path.write_text(text)
            before, reference.INCLUDE = reference.INCLUDE, Path(folder)
            try:
                return reference.page(path)
            finally:
                reference.INCLUDE = before

    def test_shows_what_is_public_with_its_comments(self):
        page = self.page(HEADER)
        self.assertIn("## greeter\n\nSays hello.\n\n    greeter g;\n", page)
        self.assertIn('- `std::string name = "world"`  \n  To whom. Default: the world.', page)
        self.assertIn("- `[[nodiscard]] std::string line() const`  \n  As a line.", page)
        self.assertIn("- `greeter(int n)`", page)
        self.assertIn("## count\n\nHow many there are.\n\n```cpp\nint count(const greeter& of)\n```", page)
        self.assertIn("## mood", page)

    def test_leaves_out_what_isnt(self):
        page = self.page(HEADER)
        for word in ("Nobody's business", "Not to be seen", "class other", "return"):
            self.assertNotIn(word, page)

    def test_headers_that_are_parts_have_no_page(self):
        self.assertIsNone(self.page("/// What x is made of; not for use by itself.\nnamespace moldau::detail {\n}\n"))


if __name__ == "__main__":
    unittest.main()
