#include <filesystem>
#include <fstream>
#include <iostream>
#include <set>
#include <sstream>

namespace fs = std::filesystem;

int main() {
    std::ofstream("marks.txt") << "Ada 95\nGrace 91\n";
    std::ofstream("marks.txt", std::ios::app) << "Alan 88\n";
    std::ifstream marks("marks.txt");
    std::string name;
    int mark, sum = 0;
    while (marks >> name >> mark) sum += mark;
    std::cout << sum << ' ' << fs::file_size("marks.txt") << '\n';
    fs::create_directories("notes/2026");
    {
        std::ofstream binary("notes/2026/b.bin", std::ios::binary);
        double numbers[] = {1.5, 2.5};
        binary.write(reinterpret_cast<char *>(numbers), sizeof numbers);
    }
    fs::rename("notes/2026/b.bin", "notes/2026/c.bin");
    std::set<std::string> found;
    for (const auto &entry : fs::recursive_directory_iterator("notes")) found.insert(entry.path().string());
    for (const auto &path : found) std::cout << path << '\n';
    std::ifstream binary("notes/2026/c.bin", std::ios::binary);
    double second;
    binary.seekg(sizeof second);
    binary.read(reinterpret_cast<char *>(&second), sizeof second);
    std::cout << second << ' ' << fs::remove_all("notes") << ' ' << fs::exists("notes") << '\n';
    std::ifstream missing("missing.txt");
    std::cout << missing.is_open() << ' ' << fs::path("a/b.tar.gz").extension() << ' ' << fs::current_path() << '\n';
    std::stringstream text("3,4;5");
    for (std::string part; std::getline(text, part, ',');) std::cout << '[' << part << ']';
    std::cout << '\n';
}
