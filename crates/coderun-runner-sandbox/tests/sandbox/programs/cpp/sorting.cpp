#include <algorithm>
#include <iostream>
#include <map>
#include <numeric>
#include <queue>
#include <random>
#include <unordered_map>
#include <vector>

template <typename Iterator> void quicksort(Iterator begin, Iterator end) {
    if (end - begin < 2) return;
    auto pivot = *(begin + (end - begin) / 2);
    auto middle = std::partition(begin, end, [&](const auto &x) { return x < pivot; });
    auto upper = std::partition(middle, end, [&](const auto &x) { return !(pivot < x); });
    quicksort(begin, middle);
    quicksort(upper, end);
}
int main() {
    std::mt19937 random(7);
    std::vector<int> numbers(200000);
    std::generate(numbers.begin(), numbers.end(), [&] { return static_cast<int>(random() % 1000000); });
    auto sorted = numbers;
    std::sort(sorted.begin(), sorted.end());
    quicksort(numbers.begin(), numbers.end());
    std::cout << std::boolalpha << (numbers == sorted) << ' ' << std::binary_search(sorted.begin(), sorted.end(), sorted[99]) << '\n';
    std::vector<std::string> words{"the", "quick", "brown", "fox", "jumps"};
    std::stable_sort(words.begin(), words.end(), [](auto &a, auto &b) { return a.size() < b.size(); });
    for (const auto &word : words) std::cout << word << ' ';
    std::priority_queue<int, std::vector<int>, std::greater<>> heap(numbers.rbegin(), numbers.rbegin() + 5);
    std::cout << heap.size() << '\n';
    std::map<char, int> letters;
    for (char c : std::string("mississippi")) ++letters[c];
    for (auto [letter, count] : letters) std::cout << letter << count << ' ';
    std::unordered_map<std::string, int> index{{"a", 1}, {"b", 2}};
    std::cout << index.at("b") << ' ' << index.count("c") << ' ' << std::accumulate(words.begin(), words.end(), std::string()).size() << '\n';
    std::vector<int> v{5, 3, 5, 1};
    std::sort(v.begin(), v.end());
    v.erase(std::unique(v.begin(), v.end()), v.end());
    do { for (int x : v) std::cout << x; std::cout << ' '; } while (std::next_permutation(v.begin(), v.end()));
    std::cout << '\n';
}
