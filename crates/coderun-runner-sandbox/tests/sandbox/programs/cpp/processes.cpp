#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <sys/wait.h>
#include <unistd.h>

int main() {
    std::unique_ptr<FILE, int (*)(FILE *)> output(popen("echo $((6 * 7)) | rev", "r"), pclose);
    std::array<char, 16> text{};
    std::cout << std::fgets(text.data(), text.size(), output.get()) << std::flush;
    std::cout << WEXITSTATUS(std::system("exit 3")) << std::endl;
    if (pid_t child = fork(); child == 0) {
        std::cout << "in the child" << std::endl;
        std::abort();
    } else {
        int status;
        waitpid(child, &status, 0);
        std::cout << (WTERMSIG(status) == SIGABRT) << '\n';
    }
    const char *home = std::getenv("HOME");
    std::cout << home << ' ' << (getpid() > 1) << '\n';
}
