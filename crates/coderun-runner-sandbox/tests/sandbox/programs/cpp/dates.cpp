#include <chrono>
#include <ctime>
#include <iomanip>
#include <iostream>
#include <thread>

int main() {
    using namespace std::chrono;
    using namespace std::chrono_literals;
    std::tm day{};
    day.tm_year = 124, day.tm_mon = 1, day.tm_mday = 30;
    std::time_t moment = timegm(&day);
    std::cout << std::put_time(std::gmtime(&moment), "%A %d %B %Y") << '\n';
    std::cout << duration_cast<hours>(36h + 30min).count() << ' ' << duration<double>(1500ms).count() << '\n';
    auto before = steady_clock::now();
    std::this_thread::sleep_for(50ms);
    auto passed = steady_clock::now() - before;
    std::cout << (passed >= 50ms && passed < 5s) << ' ' << (system_clock::now().time_since_epoch() > 450000h) << '\n';
    std::tm parsed{};
    std::istringstream("2026-12-25 13:05") >> std::get_time(&parsed, "%Y-%m-%d %H:%M");
    std::cout << parsed.tm_yday << ' ' << parsed.tm_hour << '\n';
}
