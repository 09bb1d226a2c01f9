#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void *serve(void *argument) {
    int peer = accept(*(int *)argument, NULL, NULL);
    char text[16];
    ssize_t length = read(peer, text, sizeof text);
    for (ssize_t i = 0; i < length; i++) text[i] = (char)(text[i] - 32);
    write(peer, text, (size_t)length);
    close(peer);
    return NULL;
}
static void talk(struct sockaddr *address, socklen_t size) {
    int server = socket(address->sa_family, SOCK_STREAM, 0);
    if (bind(server, address, size) || listen(server, 5)) { perror("bind"); return; }
    getsockname(server, address, &size);
    pthread_t thread;
    pthread_create(&thread, NULL, serve, &server);
    int client = socket(address->sa_family, SOCK_STREAM, 0);
    char text[16] = "";
    if (connect(client, address, size)) { perror("connect"); return; }
    write(client, "hello", 5);
    struct pollfd ready = {client, POLLIN, 0};
    poll(&ready, 1, 5000);
    read(client, text, sizeof text);
    puts(text);
    pthread_join(thread, NULL);
    close(client), close(server);
}
int main(void) {
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    talk((struct sockaddr *)&four, sizeof four);
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    talk((struct sockaddr *)&six, sizeof six);
    struct sockaddr_un here = {.sun_family = AF_UNIX, .sun_path = "socket"};
    talk((struct sockaddr *)&here, sizeof here);
    struct addrinfo *found = NULL, hints = {.ai_socktype = SOCK_STREAM, .ai_family = AF_INET};
    printf("%d", getaddrinfo("localhost", "80", &hints, &found));
    printf(" %s\n", inet_ntoa(((struct sockaddr_in *)found->ai_addr)->sin_addr));
    struct sockaddr_in outside = {.sin_family = AF_INET, .sin_port = htons(80)};
    inet_pton(AF_INET, "192.0.2.1", &outside.sin_addr);
    connect(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&outside, sizeof outside);
    puts(strerror(errno));
}
