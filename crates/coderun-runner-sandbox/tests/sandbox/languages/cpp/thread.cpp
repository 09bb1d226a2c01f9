#include <atomic>
#include <iostream>
#include <thread>
#include <vector>

int main() {
    std::atomic<int> total = 0;
    std::vector<std::thread> threads;
    for (int number : {1, 2, 3, 4}) threads.emplace_back([&total, number] { total += number; });
    for (auto &thread : threads) thread.join();
    std::cout << total << "\n";
}
