#include <arpa/inet.h>
#include <cstring>
#include <iostream>
#include <string>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

int main() {
    int server = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(8080);
    if (bind(server, reinterpret_cast<sockaddr *>(&address), sizeof address) || listen(server, 5)) return std::perror("bind"), 1;
    std::thread serving([&] {
        int peer = accept(server, nullptr, nullptr);
        std::string request(100, '\0');
        request.resize(read(peer, request.data(), request.size()));
        std::string answer = "HTTP/1.1 200 OK\r\n\r\nyou asked for " + request.substr(4, request.find(' ', 4) - 4);
        write(peer, answer.data(), answer.size());
        close(peer);
    });
    int client = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(client, reinterpret_cast<sockaddr *>(&address), sizeof address)) return std::perror("connect"), 1;
    const char request[] = "GET /page HTTP/1.1\r\n\r\n";
    write(client, request, std::strlen(request));
    int epoll = epoll_create1(0);
    epoll_event event{EPOLLIN, {}};
    epoll_ctl(epoll, EPOLL_CTL_ADD, client, &event);
    std::cout << epoll_wait(epoll, &event, 1, 5000) << '\n';
    char text[200] = "";
    for (ssize_t length, at = 0; (length = read(client, text + at, sizeof text - at - 1)) > 0; at += length) {}
    std::cout << std::strrchr(text, '\n') + 1 << '\n';
    serving.join();
}
