#include <atomic>
#include <condition_variable>
#include <future>
#include <iostream>
#include <mutex>
#include <numeric>
#include <queue>
#include <shared_mutex>
#include <thread>
#include <vector>

int main() {
    long total = 0;
    std::mutex mutex;
    std::atomic<int> counter{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 20; ++i)
        threads.emplace_back([&] {
            for (int j = 0; j < 1000; ++j) {
                std::lock_guard lock(mutex);
                ++total, ++counter;
            }
        });
    for (auto &thread : threads) thread.join();
    std::cout << total << ' ' << counter << '\n';

    std::queue<int> jobs;
    std::condition_variable changed;
    std::thread consumer([&] {
        int sum = 0;
        for (;;) {
            std::unique_lock lock(mutex);
            changed.wait(lock, [&] { return !jobs.empty(); });
            int job = jobs.front();
            jobs.pop();
            if (job < 0) break;
            sum += job;
        }
        std::cout << "consumed " << sum << '\n';
    });
    for (int job : {1, 2, 3, -1}) {
        std::lock_guard lock(mutex);
        jobs.push(job);
        changed.notify_one();
    }
    consumer.join();
    std::vector<int> numbers(1000000, 1);
    auto half = std::async(std::launch::async, [&] { return std::accumulate(numbers.begin(), numbers.begin() + 500000, 0L); });
    std::cout << half.get() + std::accumulate(numbers.begin() + 500000, numbers.end(), 0L) << '\n';
    std::promise<std::string> promise;
    std::thread([&] { promise.set_value("promised"); }).detach();
    std::cout << promise.get_future().get() << '\n';
    auto failing = std::async([]() -> int { throw std::runtime_error("in the thread"); });
    try { failing.get(); } catch (const std::exception &error) { std::cout << error.what() << '\n'; }
    thread_local int own = 5;
    std::call_once(*std::make_unique<std::once_flag>(), [] { ++own; });
    std::cout << own << ' ' << (std::thread::hardware_concurrency() > 0) << '\n';
}
