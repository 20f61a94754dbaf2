/*
 * A fast HTTP/1.1 server on loopback that speaks just enough of OpenAI's Chat Completions to load a client.
 *
 * One thread, epoll, keep-alive, pipelining. Every reply is rendered once and then sent from the same bytes, so that
 * what a benchmark sees is the client's own work. It prints its port on the first line and ends with its parent.
 *
 *   GET  .../models                          a list of three models
 *   POST .../chat/completions                one whole answer (about 1 KB of JSON, with usage)
 *   POST .../chat/completions, "stream":true a stream of chunks, a usage chunk and [DONE]
 *
 * The path says what a stream looks like: /CHUNKS/MILLISECONDS/v1/chat/completions sends CHUNKS pieces of text, one
 * each MILLISECONDS, or all in one burst when that is 0. Without them it is 20 chunks in a burst.
 *
 * Arguments PATH=FILE add canned replies: a request whose path begins with PATH gets the bytes of FILE, a whole HTTP
 * reply with its headers, whatever is asked.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { REQUEST_MAX = 1 << 16, EVENTS_MAX = 256, CHUNKS_MAX = 100000, STREAM_KINDS = 16, EVENT_SPACE = 640, CANNED_MAX = 64 };

#define COMMON_HEADERS \
    "date: Thu, 01 Oct 2026 12:00:00 GMT\r\n" \
    "access-control-expose-headers: X-Request-ID\r\n" \
    "openai-organization: org-benchmark\r\n" \
    "openai-processing-ms: 412\r\n" \
    "openai-project: proj_benchmark\r\n" \
    "openai-version: 2020-10-01\r\n" \
    "x-ratelimit-limit-requests: 30000\r\n" \
    "x-ratelimit-limit-tokens: 150000000\r\n" \
    "x-ratelimit-remaining-requests: 29999\r\n" \
    "x-ratelimit-remaining-tokens: 149999989\r\n" \
    "x-ratelimit-reset-requests: 2ms\r\n" \
    "x-ratelimit-reset-tokens: 0s\r\n" \
    "x-request-id: req_0123456789abcdef0123456789abcdef\r\n" \
    "strict-transport-security: max-age=31536000; includeSubDomains; preload\r\n" \
    "x-content-type-options: nosniff\r\n" \
    "server: benchmark\r\n"

static const char COMPLETION[] =
    "{\n  \"id\": \"chatcmpl-CLqYw2v1mT3uXbS8zK5dRf7eNpAoJ\",\n  \"object\": \"chat.completion\",\n"
    "  \"created\": 1790856000,\n  \"model\": \"gpt-4o-mini-2024-07-18\",\n  \"choices\": [\n    {\n      \"index\": 0,\n"
    "      \"message\": {\n        \"role\": \"assistant\",\n        \"content\": \"A driver turns one program's values "
    "into the bytes that another service understands, and back again. Keeping that part free of sockets and clocks "
    "makes it easy to test, and easy to trust.\\n\\nEverything that waits lives somewhere else.\",\n"
    "        \"refusal\": null,\n        \"annotations\": []\n      },\n      \"logprobs\": null,\n"
    "      \"finish_reason\": \"stop\"\n    }\n  ],\n  \"usage\": {\n    \"prompt_tokens\": 9,\n"
    "    \"completion_tokens\": 48,\n    \"total_tokens\": 57,\n    \"prompt_tokens_details\": {\n"
    "      \"cached_tokens\": 0,\n      \"audio_tokens\": 0\n    },\n    \"completion_tokens_details\": {\n"
    "      \"reasoning_tokens\": 0,\n      \"audio_tokens\": 0,\n      \"accepted_prediction_tokens\": 0,\n"
    "      \"rejected_prediction_tokens\": 0\n    }\n  },\n  \"service_tier\": \"default\",\n"
    "  \"system_fingerprint\": \"fp_51db84afab\"\n}\n";

static const char MODELS[] =
    "{\"object\":\"list\",\"data\":["
    "{\"id\":\"gpt-4o-mini\",\"object\":\"model\",\"created\":1721172741,\"owned_by\":\"system\"},"
    "{\"id\":\"gpt-4o\",\"object\":\"model\",\"created\":1715367049,\"owned_by\":\"system\"},"
    "{\"id\":\"text-embedding-3-small\",\"object\":\"model\",\"created\":1705948997,\"owned_by\":\"system\"}]}";

static const char NOT_FOUND[] = "{\"error\":{\"message\":\"Unknown path.\",\"type\":\"invalid_request_error\","
                                "\"param\":null,\"code\":null}}";

#define CHUNK_OPENING \
    "data: {\"id\":\"chatcmpl-CLqYw2v1mT3uXbS8zK5dRf7eNpAoJ\",\"object\":\"chat.completion.chunk\"," \
    "\"created\":1790856000,\"model\":\"gpt-4o-mini-2024-07-18\",\"service_tier\":\"default\"," \
    "\"system_fingerprint\":\"fp_51db84afab\",\"choices\":"

static const char *const WORDS[] = {"A",     " driver", " turns", " one",    " program", "'s",    " values", " into",
                                    " the",  " bytes",  " that",  " another", " service", " caf\xc3\xa9", ",", " and",
                                    " back", " again",  ".",      "\\n\\n",  " \\\"quoted\\\"", " words", " here", ";"};

/* Bytes to send: a whole HTTP reply, or a stream whose pieces (headers, then one event each) end at ends[]. */
typedef struct {
    char *bytes;
    size_t size;
    size_t *ends;
    int pieces;
    int chunks;
} Reply;

typedef struct {
    int socket;
    int timer; /* -1, or the timerfd of the paced stream under way */
    const Reply *reply;
    size_t sent;  /* bytes of the reply already written */
    size_t limit; /* bytes of the reply that may be written by now */
    int piece;    /* the next piece of a paced stream */
    bool close_after;
    bool wants_write;
    size_t filled;
    char request[REQUEST_MAX];
} Connection;

/* What an epoll event is about: the low bit of the pointer tells a connection's timer from its socket. */
#define TIMER_TAG ((uintptr_t)1)

static int poller;
static Reply completion, models, not_found, streams[STREAM_KINDS];
static struct { const char *path; Reply reply; } canned[CANNED_MAX];
static int canned_count;
static Connection *dead[2 * EVENTS_MAX];
static int dead_count;

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static Reply whole_reply(const char *status, const char *body) {
    Reply reply = {.pieces = 0};
    int size = asprintf(&reply.bytes, "HTTP/1.1 %s\r\n" COMMON_HEADERS "content-type: application/json\r\ncontent-length: %zu\r\n\r\n%s",
                        status, strlen(body), body);
    if (size < 0) fail("asprintf");
    reply.size = (size_t)size;
    return reply;
}

static void add_piece(Reply *reply, const char *text, bool framed) {
    if (framed)
        reply->size += (size_t)sprintf(reply->bytes + reply->size, "%zx\r\n%s\r\n", strlen(text), text);
    else
        reply->size += (size_t)sprintf(reply->bytes + reply->size, "%s", text);
    reply->ends[reply->pieces++] = reply->size;
}

/* Each event is one HTTP chunk, as the real service sends it. */
static Reply stream_reply(int chunks) {
    char event[EVENT_SPACE];
    Reply reply = {.chunks = chunks};
    reply.bytes = malloc(((size_t)chunks + 8) * EVENT_SPACE + 4096);
    reply.ends = calloc((size_t)chunks + 8, sizeof *reply.ends);
    if (!reply.bytes || !reply.ends) fail("malloc");
    add_piece(&reply, "HTTP/1.1 200 OK\r\n" COMMON_HEADERS "content-type: text/event-stream; charset=utf-8\r\n"
                      "transfer-encoding: chunked\r\n\r\n", false);
    add_piece(&reply, CHUNK_OPENING "[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\",\"refusal\":null},"
                      "\"logprobs\":null,\"finish_reason\":null}],\"usage\":null}\n\n", true);
    for (int i = 0; i < chunks; i++) {
        snprintf(event, sizeof event, CHUNK_OPENING "[{\"index\":0,\"delta\":{\"content\":\"%s\"},\"logprobs\":null,"
                 "\"finish_reason\":null}],\"usage\":null}\n\n", WORDS[(size_t)i % (sizeof WORDS / sizeof *WORDS)]);
        add_piece(&reply, event, true);
    }
    add_piece(&reply, CHUNK_OPENING "[{\"index\":0,\"delta\":{},\"logprobs\":null,\"finish_reason\":\"stop\"}],"
                      "\"usage\":null}\n\n", true);
    snprintf(event, sizeof event, CHUNK_OPENING "[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":%d,"
             "\"total_tokens\":%d,\"prompt_tokens_details\":{\"cached_tokens\":0,\"audio_tokens\":0},"
             "\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens\":0}}}\n\n", chunks, chunks + 9);
    add_piece(&reply, event, true);
    add_piece(&reply, "data: [DONE]\n\n", true);
    add_piece(&reply, "0\r\n\r\n", false);
    return reply;
}

static const Reply *find_stream(int chunks) {
    if (chunks < 1 || chunks > CHUNKS_MAX) return &not_found;
    for (int i = 0; i < STREAM_KINDS; i++) {
        if (!streams[i].bytes) streams[i] = stream_reply(chunks);
        if (streams[i].chunks == chunks) return &streams[i];
    }
    return &not_found;
}

static Reply file_reply(const char *name) {
    Reply reply = {.pieces = 0};
    FILE *file = fopen(name, "rb");
    if (!file || fseek(file, 0, SEEK_END)) fail(name);
    reply.size = (size_t)ftell(file);
    reply.bytes = malloc(reply.size);
    rewind(file);
    if (!reply.bytes || fread(reply.bytes, 1, reply.size, file) != reply.size) fail(name);
    fclose(file);
    return reply;
}

static void add_canned(char *argument) {
    char *file = strchr(argument, '=');
    if (!file || canned_count == CANNED_MAX) {
        fprintf(stderr, "usage: server [PATH=FILE]..., at most %d of them\n", CANNED_MAX);
        exit(2);
    }
    *file = '\0';
    canned[canned_count].path = argument;
    canned[canned_count++].reply = file_reply(file + 1);
}

static const Reply *find_canned(const char *path) {
    for (int i = 0; i < canned_count; i++)
        if (!strncmp(path, canned[i].path, strlen(canned[i].path))) return &canned[i].reply;
    return NULL;
}

static void watch(Connection *connection, bool writable) {
    if (connection->wants_write == writable) return;
    struct epoll_event event = {.events = EPOLLIN | (writable ? EPOLLOUT : 0), .data.ptr = connection};
    epoll_ctl(poller, EPOLL_CTL_MOD, connection->socket, &event);
    connection->wants_write = writable;
}

static void stop_timer(Connection *connection) {
    if (connection->timer >= 0) close(connection->timer);
    connection->timer = -1;
}

/* The memory is freed after the round: the same round may still hold an event for this connection. */
static void hang_up(Connection *connection) {
    if (connection->socket < 0) return;
    stop_timer(connection);
    close(connection->socket);
    connection->socket = -1;
    dead[dead_count++] = connection;
}

static struct timespec timespec_of(long long nanoseconds) {
    return (struct timespec){.tv_sec = nanoseconds / 1000000000, .tv_nsec = nanoseconds % 1000000000};
}

/* Streams that were asked for together start at different points of the interval, as those of strangers would. */
static void start_timer(Connection *connection, int milliseconds) {
    static unsigned phase;
    long long interval = milliseconds * 1000000LL;
    phase = (phase + 61803) % 100000; /* the golden ratio spreads any number of them evenly */
    struct itimerspec spec = {.it_interval = timespec_of(interval), .it_value = timespec_of(interval + interval * phase / 100000)};
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = (void *)((uintptr_t)connection | TIMER_TAG)};
    connection->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    if (connection->timer < 0 || timerfd_settime(connection->timer, 0, &spec, NULL)) fail("timerfd");
    epoll_ctl(poller, EPOLL_CTL_ADD, connection->timer, &event);
}

/* True when the whole reply has left; false while it waits for room, for its timer, or the peer has gone. */
static bool flush(Connection *connection) {
    const Reply *reply = connection->reply;
    while (connection->sent < connection->limit) {
        ssize_t n = send(connection->socket, reply->bytes + connection->sent, connection->limit - connection->sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN) {
            watch(connection, true);
            return false;
        }
        if (n < 0) {
            hang_up(connection);
            return false;
        }
        connection->sent += (size_t)n;
    }
    watch(connection, false);
    if (connection->sent < reply->size) return false;
    connection->reply = NULL;
    if (connection->close_after) hang_up(connection);
    return !connection->close_after;
}

static const char *header(const char *head, const char *name) {
    size_t length = strlen(name);
    for (const char *line = strstr(head, "\r\n"); line; line = strstr(line + 2, "\r\n"))
        if (!strncasecmp(line + 2, name, length) && line[2 + length] == ':') {
            const char *value = line + 3 + length;
            return value + strspn(value, " ");
        }
    return NULL;
}

static bool asks_for_stream(const char *body, size_t size) {
    return memmem(body, size, "\"stream\":true", 13) || memmem(body, size, "\"stream\": true", 14);
}

static void answer(Connection *connection, const char *head, const char *body, size_t body_size) {
    int chunks = 20, milliseconds = 0;
    const char *path = strchr(head, ' ');
    const char *end = path ? strchr(path + 1, ' ') : NULL;
    const Reply *found = path ? find_canned(path + 1) : NULL, *reply = found ? found : &not_found;
    if (found) milliseconds = 0;
    else if (end && end - path > 7 && !strncmp(end - 7, "/models", 7)) reply = &models;
    else if (end && end - path > 17 && !strncmp(end - 17, "/chat/completions", 17)) {
        sscanf(path, " /%d/%d/", &chunks, &milliseconds);
        reply = asks_for_stream(body, body_size) ? find_stream(chunks) : &completion;
    }
    const char *wish = header(head, "connection");
    connection->close_after = wish && !strncasecmp(wish, "close", 5);
    connection->reply = reply;
    connection->sent = 0;
    connection->limit = reply->size;
    if (reply->pieces && milliseconds > 0) {
        connection->piece = 2; /* headers and the first event at once, the rest by the timer */
        connection->limit = reply->ends[1];
        start_timer(connection, milliseconds);
    }
}

/* Answers the complete requests in the buffer, one after the other, until one has to wait. */
static void serve(Connection *connection) {
    while (!connection->reply) {
        connection->request[connection->filled] = '\0';
        char *blank = strstr(connection->request, "\r\n\r\n");
        if (!blank) break;
        blank[2] = '\0';
        const char *length = header(connection->request, "content-length");
        size_t head_size = (size_t)(blank + 4 - connection->request), body_size = length ? strtoul(length, NULL, 10) : 0;
        if (header(connection->request, "transfer-encoding") || head_size + body_size >= REQUEST_MAX) {
            fprintf(stderr, "benchmark server: request without content-length, or over %d bytes\n", REQUEST_MAX);
            hang_up(connection);
            return;
        }
        if (connection->filled < head_size + body_size) {
            blank[2] = '\r';
            break;
        }
        answer(connection, connection->request, blank + 4, body_size);
        connection->filled -= head_size + body_size;
        memmove(connection->request, connection->request + head_size + body_size, connection->filled);
        if (!flush(connection)) return;
    }
}

static void on_readable(Connection *connection) {
    size_t room = REQUEST_MAX - 1 - connection->filled;
    ssize_t n = recv(connection->socket, connection->request + connection->filled, room, 0);
    if (n == 0 || room == 0 || (n < 0 && errno != EAGAIN)) {
        hang_up(connection);
    } else if (n > 0) {
        connection->filled += (size_t)n;
        serve(connection);
    }
}

static void on_timer(Connection *connection) {
    uint64_t ticks;
    if (connection->timer < 0 || read(connection->timer, &ticks, sizeof ticks) != sizeof ticks) return;
    const Reply *reply = connection->reply;
    connection->piece += (int)(ticks < (uint64_t)reply->pieces ? ticks : (uint64_t)reply->pieces);
    if (connection->piece >= reply->pieces - 4) { /* after the text come finish, usage, [DONE] and the end, together */
        connection->piece = reply->pieces;
        stop_timer(connection);
    }
    connection->limit = reply->ends[connection->piece - 1];
    if (flush(connection)) serve(connection);
}

static void on_connection(int listener) {
    for (int peer; (peer = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
        int on = 1;
        setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        Connection *connection = malloc(sizeof *connection);
        if (!connection) fail("malloc");
        memset(connection, 0, offsetof(Connection, request));
        connection->socket = peer;
        connection->timer = -1;
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
        epoll_ctl(poller, EPOLL_CTL_ADD, peer, &event);
    }
}

static int listen_on_loopback(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, size) || listen(listener, 4096)) fail("listen");
    getsockname(listener, (struct sockaddr *)&address, &size);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return listener;
}

static void raise_file_limit(void) {
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static void dispatch(struct epoll_event *event, int listener) {
    uintptr_t tagged = (uintptr_t)event->data.ptr;
    if (!tagged) {
        on_connection(listener);
        return;
    }
    Connection *connection = (Connection *)(tagged & ~TIMER_TAG);
    if (connection->socket < 0) return;
    if (tagged & TIMER_TAG) {
        on_timer(connection);
        return;
    }
    if (event->events & EPOLLOUT && connection->reply && flush(connection)) serve(connection);
    if (event->events & ~EPOLLOUT && connection->socket >= 0) on_readable(connection);
}

int main(int count_of_arguments, char **arguments) {
    struct epoll_event events[EVENTS_MAX], listening = {.events = EPOLLIN};
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    raise_file_limit();
    completion = whole_reply("200 OK", COMPLETION);
    models = whole_reply("200 OK", MODELS);
    not_found = whole_reply("404 Not Found", NOT_FOUND);
    for (int i = 1; i < count_of_arguments; i++) add_canned(arguments[i]);
    poller = epoll_create1(EPOLL_CLOEXEC);
    int listener = listen_on_loopback();
    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &listening);
    for (;;) {
        int count = epoll_wait(poller, events, EVENTS_MAX, -1);
        for (int i = 0; i < count; i++) dispatch(&events[i], listener);
        while (dead_count) free(dead[--dead_count]);
    }
}
