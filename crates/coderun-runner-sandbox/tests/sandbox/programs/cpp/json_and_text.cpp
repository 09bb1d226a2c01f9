#include <cctype>
#include <iomanip>
#include <iostream>
#include <map>
#include <sstream>
#include <variant>
#include <vector>

struct Json {
    std::variant<std::nullptr_t, bool, double, std::string, std::vector<Json>, std::map<std::string, Json>> value;
};
class Parser {
    std::istringstream in_;
    char peek() { return static_cast<char>((in_ >> std::ws).peek()); }
    void expect(char c) { if (peek() != c) throw std::runtime_error(std::string("expected ") + c); in_.get(); }
    std::string text() { std::string s; in_ >> std::ws >> std::quoted(s); return s; }

public:
    explicit Parser(const std::string &text) : in_(text) {}
    Json parse() {
        switch (peek()) {
        case '{': {
            std::map<std::string, Json> object;
            for (expect('{'); peek() != '}'; peek() == ',' ? expect(',') : void()) { auto key = text(); expect(':'); object[key] = parse(); }
            return expect('}'), Json{object};
        }
        case '[': {
            std::vector<Json> array;
            for (expect('['); peek() != ']'; peek() == ',' ? expect(',') : void()) array.push_back(parse());
            return expect(']'), Json{array};
        }
        case '"': return Json{text()};
        default: double number; if (!(in_ >> number)) throw std::runtime_error("no value"); return Json{number};
        }
    }
};
int main() {
    auto parsed = Parser(R"( {"name": "Ada", "marks": [1, 2.5, [3]], "empty": {}} )").parse();
    auto &object = std::get<5>(parsed.value);
    std::cout << object.size() << ' ' << std::get<3>(object["name"].value) << ' ' << std::get<2>(std::get<4>(object["marks"].value)[1].value) << '\n';
    try { Parser("{\"a\" 1}").parse(); } catch (const std::exception &error) { std::cout << error.what() << '\n'; }
    std::string text = "ada@maths.org, grace@navy.org";
    std::istringstream words(text);
    for (std::string word; words >> word;) std::cout << word.substr(0, word.find('@')) << ' ' << word.size() << '\n';
    std::cout << std::hex << std::showbase << 255 << ' ' << std::dec << std::setw(6) << std::setfill('*') << 42 << ' ' << std::scientific << std::setprecision(2) << 12345.678 << ' ' << text.substr(4, 5) << ' ' << text.find("navy") << '\n';
}
