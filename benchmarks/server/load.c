/*
 * Shows the benchmark server's own ceiling: load PORT PATH STREAM CONNECTIONS SECONDS
 *
 * Sends the same request over all connections, reads all the replies, and again, until the time is over; STREAM is 0 or
 * 1. Prints one line: replies received, bytes received, seconds taken.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BUFFER = 1 << 20 };

static char buffer[BUFFER];

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static int open_connection(int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int on = 1, peer = socket(AF_INET, SOCK_STREAM, 0);
    if (peer < 0 || connect(peer, (struct sockaddr *)&address, sizeof address)) fail("connect");
    setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return peer;
}

/* The size of a reply: the first one is read to its end ("0\r\n\r\n" of a stream, "}\n" of a whole answer). */
static size_t learn_size(int peer, const char *request, const char *end) {
    size_t total = 0, filled = 0, length = strlen(end);
    if (send(peer, request, strlen(request), 0) < 0) fail("send");
    do {
        ssize_t n = recv(peer, buffer + filled, BUFFER - filled, 0);
        if (n <= 0) fail("recv");
        total += (size_t)n;
        filled += (size_t)n;
        if (filled > BUFFER / 2) {
            memmove(buffer, buffer + filled - length, length);
            filled = length;
        }
    } while (filled < length || memcmp(buffer + filled - length, end, length));
    return total;
}

static void read_exactly(int peer, size_t size) {
    while (size) {
        ssize_t n = recv(peer, buffer, size < BUFFER ? size : BUFFER, 0);
        if (n <= 0) fail("recv");
        size -= (size_t)n;
    }
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

int main(int argc, char **argv) {
    if (argc != 6) {
        fprintf(stderr, "usage: load PORT PATH STREAM CONNECTIONS SECONDS\n");
        return 2;
    }
    int streamed = atoi(argv[3]), connections = atoi(argv[4]), *peers = calloc((size_t)connections, sizeof *peers);
    double seconds = atof(argv[5]), started;
    const char *body = streamed ? "{\"stream\":true}" : "{}";
    char *request;
    long replies = 0;
    if (!peers || asprintf(&request, "POST %s HTTP/1.1\r\nhost: localhost\r\ncontent-length: %zu\r\n\r\n%s", argv[2], strlen(body), body) < 0)
        fail("memory");
    for (int i = 0; i < connections; i++) peers[i] = open_connection(atoi(argv[1]));
    size_t size = learn_size(peers[0], request, streamed ? "0\r\n\r\n" : "}\n");
    started = now();
    while (now() - started < seconds) {
        for (int i = 0; i < connections; i++)
            if (send(peers[i], request, strlen(request), 0) < 0) fail("send");
        for (int i = 0; i < connections; i++) read_exactly(peers[i], size);
        replies += connections;
    }
    printf("%ld %.0f %.6f\n", replies, (double)replies * (double)size, now() - started);
    return 0;
}
