/* The floor of the realtime benchmark: what a broadcast costs when nothing but the writes is left.

   floor <port> <redis host> <redis port> <channel>      (REDIS_PASSWORD in the environment where it has one)

   Every message of the channel goes as one WebSocket frame to everyone who is connected: no rooms, no tokens,
   no positions. What a full socket did not take is sent when it is empty; meanwhile only the newest message is
   kept, as the servers that are measured do. */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define ACCEPTED                                                                  \
  "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" \
  "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
#define EVENTS 1024
#define READ_BYTES (1 << 20)

struct client {
  char open, head[4];
  char *rest, *waiting; /* of the frame under way; the newest one after it */
  size_t rest_at, rest_length, waiting_length;
};

static struct client *clients; /* by descriptor */
static int *open_fds, open_count, most;
static int epoll_fd;

static void *must(void *memory) {
  if (!memory) {
    fputs("out of memory\n", stderr);
    exit(1);
  }
  return memory;
}

static void watch(int fd, uint32_t events, int operation) {
  struct epoll_event event = {.events = events, .data.fd = fd};
  if (epoll_ctl(epoll_fd, operation, fd, &event)) {
    perror("epoll_ctl");
    exit(1);
  }
}

static void drop(int fd) {
  struct client *client = &clients[fd];
  for (int at = 0; client->open && at < open_count; at++)
    if (open_fds[at] == fd) {
      open_fds[at] = open_fds[--open_count];
      break;
    }
  free(client->rest);
  free(client->waiting);
  memset(client, 0, sizeof *client);
  close(fd);
}

static char *copy(const char *text, size_t length) { return memcpy(must(malloc(length)), text, length); }

/* Returns 0 where the client is gone. */
static int give(int fd, const char *frame, size_t length) {
  struct client *client = &clients[fd];
  if (client->rest) {
    free(client->waiting);
    client->waiting = copy(frame, length);
    client->waiting_length = length;
    return 1;
  }
  ssize_t sent = send(fd, frame, length, MSG_NOSIGNAL);
  if (sent == (ssize_t)length) return 1;
  if (sent < 0 && errno != EAGAIN) {
    drop(fd);
    return 0;
  }
  if (sent < 0) sent = 0;
  client->rest = copy(frame + sent, length - (size_t)sent);
  client->rest_length = length - (size_t)sent;
  client->rest_at = 0;
  watch(fd, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
  return 1;
}

static void go_on(int fd) {
  struct client *client = &clients[fd];
  while (client->rest) {
    ssize_t sent = send(fd, client->rest + client->rest_at, client->rest_length - client->rest_at, MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno != EAGAIN) drop(fd);
      return;
    }
    client->rest_at += (size_t)sent;
    if (client->rest_at < client->rest_length) return;
    free(client->rest);
    client->rest = client->waiting;
    client->rest_length = client->waiting_length;
    client->rest_at = 0;
    client->waiting = NULL;
  }
  watch(fd, EPOLLIN, EPOLL_CTL_MOD);
}

static void listen_to(int fd) {
  static char data[16384];
  struct client *client = &clients[fd];
  ssize_t got = recv(fd, data, sizeof data, 0);
  if (got <= 0) {
    if (!got || errno != EAGAIN) drop(fd);
    return;
  }
  for (ssize_t at = 0; at < got && !client->open; at++) {
    memmove(client->head, client->head + 1, 3);
    client->head[3] = data[at];
    if (!memcmp(client->head, "\r\n\r\n", 4)) {
      client->open = 1;
      open_fds[open_count++] = fd;
      if (send(fd, ACCEPTED, strlen(ACCEPTED), MSG_NOSIGNAL) != (ssize_t)strlen(ACCEPTED)) drop(fd);
      return;
    }
  }
}

static void broadcast(const char *message, size_t length) {
  static char frame[READ_BYTES + 16];
  /* The head of an event of the bus ends with NUL; what stands behind is the message. */
  const char *nul = memchr(message, 0, length);
  if (nul) {
    length -= (size_t)(nul + 1 - message);
    message = nul + 1;
  }
  size_t at = 0;
  frame[at++] = (char)0x81;
  if (length < 126) frame[at++] = (char)length;
  else if (length < 65536) {
    frame[at++] = 126;
    frame[at++] = (char)(length >> 8);
    frame[at++] = (char)length;
  } else {
    frame[at++] = 127;
    for (int shift = 56; shift >= 0; shift -= 8) frame[at++] = (char)(length >> shift);
  }
  memcpy(frame + at, message, length);
  for (int number = open_count - 1; number >= 0; number--) give(open_fds[number], frame, at + length);
}

/* One reply of Redis from `data`: its end, or NULL where it is not whole. Bulks are put into `bulks`. */
static const char *reply_end(const char *data, const char *end, const char **bulks, size_t *sizes, int *count) {
  const char *line = memmem(data, (size_t)(end - data), "\r\n", 2);
  if (!line) return NULL;
  long number = atol(data + 1);
  line += 2;
  if (*data == '*') {
    for (long at = 0; at < number && line; at++) line = line < end ? reply_end(line, end, bulks, sizes, count) : NULL;
    return line;
  }
  if (*data != '$' || number < 0) return line;
  if (end - line < number + 2) return NULL;
  if (*count < 4) {
    bulks[*count] = line;
    sizes[(*count)++] = (size_t)number;
  }
  return line + number + 2;
}

static void follow(int fd) {
  static char data[2 * READ_BYTES];
  static size_t held;
  ssize_t got = recv(fd, data + held, sizeof data - held, 0);
  if (got <= 0) {
    fputs("Redis has closed the connection\n", stderr);
    exit(1);
  }
  held += (size_t)got;
  const char *at = data, *end = data + held, *next;
  const char *bulks[4];
  size_t sizes[4];
  int count = 0;
  while (at < end && (next = reply_end(at, end, bulks, sizes, &count))) {
    if (*at == '-') {
      fprintf(stderr, "%.*s", (int)(next - at), at);
      exit(1);
    }
    if (count == 3 && sizes[0] == 7 && !memcmp(bulks[0], "message", 7)) broadcast(bulks[2], sizes[2]);
    at = next;
    count = 0;
  }
  held = (size_t)(end - at);
  memmove(data, at, held);
}

static void say(int fd, const char *word, const char *value) {
  char command[1024];
  int length = snprintf(command, sizeof command, "*2\r\n$%zu\r\n%s\r\n$%zu\r\n%s\r\n", strlen(word), word,
                        strlen(value), value);
  if (send(fd, command, (size_t)length, MSG_NOSIGNAL) != length) {
    perror("Redis");
    exit(1);
  }
}

int main(int count, char **arguments) {
  static struct epoll_event ready[EVENTS];
  struct sockaddr_in address = {.sin_family = AF_INET};
  struct rlimit files;
  int one = 1;
  if (count != 5) {
    fputs("floor <port> <redis host> <redis port> <channel>\n", stderr);
    return 2;
  }
  signal(SIGPIPE, SIG_IGN);
  getrlimit(RLIMIT_NOFILE, &files);
  most = files.rlim_cur > 1000000 ? 1000000 : (int)files.rlim_cur;
  clients = must(calloc((size_t)most, sizeof *clients));
  open_fds = must(calloc((size_t)most, sizeof *open_fds));
  epoll_fd = epoll_create1(EPOLL_CLOEXEC);

  int bus = socket(AF_INET, SOCK_STREAM, 0);
  address.sin_port = htons((uint16_t)atoi(arguments[3]));
  if (!inet_aton(arguments[2], &address.sin_addr) || connect(bus, (struct sockaddr *)&address, sizeof address)) {
    perror("Redis");
    return 1;
  }
  const char *password = getenv("REDIS_PASSWORD");
  if (password && *password) say(bus, "AUTH", password);
  say(bus, "SUBSCRIBE", arguments[4]);
  watch(bus, EPOLLIN, EPOLL_CTL_ADD);

  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  address.sin_port = htons((uint16_t)atoi(arguments[1]));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 4096)) {
    perror("listen");
    return 1;
  }
  watch(listener, EPOLLIN, EPOLL_CTL_ADD);
  for (;;) {
    int got = epoll_wait(epoll_fd, ready, EVENTS, -1);
    for (int at = 0; at < got; at++) {
      int fd = ready[at].data.fd;
      if (fd == bus) follow(bus);
      else if (fd == listener) {
        int fresh;
        while ((fresh = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
          if (fresh >= most) {
            close(fresh);
            continue;
          }
          setsockopt(fresh, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
          memset(&clients[fresh], 0, sizeof *clients);
          watch(fresh, EPOLLIN, EPOLL_CTL_ADD);
        }
      } else {
        if (ready[at].events & EPOLLOUT && clients[fd].rest) go_on(fd);
        if (ready[at].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) listen_to(fd);
      }
    }
  }
}
