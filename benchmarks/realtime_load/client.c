/* The load client of the realtime benchmark: many WebSockets or event streams over one epoll.

   client <port> <plan> <ws|sse> <field>

   Each line of the plan is one connection: token, target and subscribe frame, parted by tabs; an empty token
   or frame is not sent. A connection is ready when its rooms are acknowledged, or without a frame when the
   handshake is done. Commands come on stdin, one a line, and each is answered by one line of JSON on stdout:

     open <in flight> <seconds>   connect what is not connected, so many at a time, and wait until all are ready
     again <in flight> <seconds>  the same, after every connection was cut
     stall <count>                the first so many are not read any more
     mark                         begin to count anew
     report                       what was counted since
     newest                       the newest sequence and value per room, and who is behind it
     quit

   Every message carries, in the field named, the microseconds since 1970 at which it was sent. Per connection
   and room the sequence must rise: one that does not is counted in `fallen`, numbers passed over in `skipped`.
   Pings are answered, compression and extensions are not offered. */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
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
#include <time.h>
#include <unistd.h>

#define KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
#define READ_BYTES (256 * 1024)
#define BUCKETS 2560
#define MAX_SECONDS 256
#define CACHED 512
#define EVENTS 1024
#define STDIN_EVENT UINT32_MAX
#define LONGEST_HEAD 16384

enum state { IDLE, CONNECTING, HANDSHAKE, WAITING, READY, CLOSED, FAILED };

struct seat { /* what one connection knows of one room */
  uint32_t room; /* 1 + number; 0 is a free place */
  int64_t sequence, value;
};

struct client {
  int fd;
  enum state state;
  char stalled, chunked, broken;
  const char *token, *target, *frame;
  char *rest; /* of a frame or line that is not whole */
  uint32_t rest_length, rest_size;
  struct seat *seats;
  uint32_t seats_size, seats_used;
  uint32_t frames;
  int64_t began, chunk; /* chunk: bytes left of it, or below 0: reading its size line */
};

struct message {
  uint32_t room;
  int64_t sequence, value;
};

struct parsed { /* a frame that was taken apart, for it comes once per subscriber */
  char *bytes;
  size_t length, size;
  struct message *messages;
  uint32_t count, room_for;
};

struct room {
  char *name;
  uint32_t length;
  int64_t sequence, value;
};

static struct client *clients;
static uint32_t clients_count;
static struct parsed cache[CACHED];
static struct room *rooms;
static uint32_t rooms_count, rooms_size;
static uint32_t *room_index, room_index_size;
static int port, epoll_fd, is_sse;
static const char *field;
static size_t field_length;
static char *buffer;
static uint32_t random_state = 88172645;

/* Counted since the last mark. */
static uint64_t histogram[BUCKETS], this_second[BUCKETS], ready_histogram[BUCKETS];
static uint64_t frames, messages, bytes, fallen, skipped, errors, closed, failed, fragments;
static uint64_t close_codes[65536];
static int64_t latency_max, second, second_began;
static uint64_t second_messages;
static struct { double p50, p99; uint64_t messages; } seconds[MAX_SECONDS];
static int seconds_count;
static char first_error[512];
static int64_t mark_wall;
static double mark_cpu;

/* An `open` under way. */
static int opening;
static uint32_t next_to_open, in_flight, most_in_flight, ready_count;
static int64_t opening_began, opening_until, last_ready;

static int64_t clock_micros(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int64_t monotonic(void) { return clock_micros(CLOCK_MONOTONIC); }

static double cpu_seconds(void) {
  struct rusage used;
  getrusage(RUSAGE_SELF, &used);
  return used.ru_utime.tv_sec + used.ru_stime.tv_sec + (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static void *must(void *memory) {
  if (!memory) {
    fputs("out of memory\n", stderr);
    exit(1);
  }
  return memory;
}

/* --- Histograms: 64 buckets an octave, so a figure is at most 1.6 % too high --- */

static uint32_t bucket_of(int64_t value) {
  if (value < 64) return value < 0 ? 0 : (uint32_t)value;
  int shift = 63 - __builtin_clzll((uint64_t)value) - 6;
  uint32_t bucket = 64 + (uint32_t)shift * 64 + (uint32_t)((value >> shift) - 64);
  return bucket < BUCKETS ? bucket : BUCKETS - 1;
}

static int64_t upper_edge(uint32_t bucket) {
  if (bucket < 64) return bucket;
  int shift = (int)(bucket - 64) / 64;
  return (((int64_t)(bucket - 64) % 64 + 65) << shift) - 1;
}

static double percentile(const uint64_t *counts, double percent) {
  uint64_t total = 0, seen = 0;
  for (int at = 0; at < BUCKETS; at++) total += counts[at];
  if (!total) return 0;
  uint64_t rank = (uint64_t)(percent / 100 * (double)total);
  if ((double)rank < percent / 100 * (double)total || !rank) rank++;
  for (uint32_t at = 0; at < BUCKETS; at++)
    if ((seen += counts[at]) >= rank) return (double)upper_edge(at) / 1000;
  return 0;
}

static void end_second(void) {
  if (second_messages && seconds_count < MAX_SECONDS) {
    seconds[seconds_count].p50 = percentile(this_second, 50);
    seconds[seconds_count].p99 = percentile(this_second, 99);
    seconds[seconds_count++].messages = second_messages;
  }
  memset(this_second, 0, sizeof this_second);
  second_messages = 0;
}

/* --- Rooms and what connections know of them --- */

static uint64_t hash_of(const char *text, size_t length) {
  uint64_t hash = 1469598103934665603u;
  for (size_t at = 0; at < length; at++) hash = (hash ^ (unsigned char)text[at]) * 1099511628211u;
  return hash ^ (hash >> 29);
}

static void index_room(uint32_t number) {
  uint32_t at = (uint32_t)hash_of(rooms[number].name, rooms[number].length) & (room_index_size - 1);
  while (room_index[at]) at = (at + 1) & (room_index_size - 1);
  room_index[at] = number + 1;
}

static uint32_t room_of(const char *name, uint32_t length) {
  if (2 * (rooms_count + 1) > room_index_size) {
    room_index_size = room_index_size ? 2 * room_index_size : 1024;
    free(room_index);
    room_index = must(calloc(room_index_size, sizeof *room_index));
    for (uint32_t number = 0; number < rooms_count; number++) index_room(number);
  }
  uint32_t at = (uint32_t)hash_of(name, length) & (room_index_size - 1);
  while (room_index[at]) {
    struct room *room = &rooms[room_index[at] - 1];
    if (room->length == length && !memcmp(room->name, name, length)) return room_index[at] - 1;
    at = (at + 1) & (room_index_size - 1);
  }
  if (rooms_count == rooms_size) {
    rooms_size = rooms_size ? 2 * rooms_size : 256;
    rooms = must(realloc(rooms, rooms_size * sizeof *rooms));
  }
  rooms[rooms_count] = (struct room){must(malloc(length + 1)), length, -1, -1};
  memcpy(rooms[rooms_count].name, name, length);
  rooms[rooms_count].name[length] = 0;
  index_room(rooms_count);
  return rooms_count++;
}

static struct seat *seat_in(struct seat *seats, uint32_t size, uint32_t room) {
  uint32_t at = (room * 2654435761u) & (size - 1);
  while (seats[at].room && seats[at].room != room + 1) at = (at + 1) & (size - 1);
  return &seats[at];
}

static struct seat *seat_of(struct client *client, uint32_t room) {
  if (4 * (client->seats_used + 1) > 3 * client->seats_size) {
    uint32_t size = client->seats_size ? 2 * client->seats_size : 4;
    struct seat *seats = must(calloc(size, sizeof *seats));
    for (uint32_t at = 0; at < client->seats_size; at++)
      if (client->seats[at].room) *seat_in(seats, size, client->seats[at].room - 1) = client->seats[at];
    free(client->seats);
    client->seats = seats;
    client->seats_size = size;
  }
  struct seat *seat = seat_in(client->seats, client->seats_size, room);
  if (!seat->room) {
    *seat = (struct seat){room + 1, -1, -1};
    client->seats_used++;
  }
  return seat;
}

static void take_message(struct client *client, const struct message *message, int64_t now) {
  struct room *room = &rooms[message->room];
  struct seat *seat = seat_of(client, message->room);
  if (message->sequence >= 0) {
    if (seat->sequence >= 0) {
      if (message->sequence <= seat->sequence) fallen++;
      else skipped += (uint64_t)(message->sequence - seat->sequence - 1);
    }
    seat->sequence = message->sequence;
  }
  seat->value = message->value;
  if (message->sequence >= room->sequence) {
    room->sequence = message->sequence;
    room->value = message->value;
  }
  messages++;
  if (message->value < 0) return;
  int64_t latency = now - message->value;
  if (latency > latency_max) latency_max = latency;
  uint32_t bucket = bucket_of(latency);
  histogram[bucket]++;
  int64_t at = (now - second_began) / 1000000;
  if (at != second) {
    end_second();
    second = at;
  }
  this_second[bucket]++;
  second_messages++;
}

/* --- JSON: as much of it as the messages need --- */

static const char *string_end(const char *at, const char *end) {
  /* `at` is after the opening quote; returns the closing one. */
  while (at < end && (at = memchr(at, '"', (size_t)(end - at)))) {
    const char *back = at;
    while (back[-1] == '\\') back--;
    if ((at - back) % 2 == 0) return at;
    at++;
  }
  return NULL;
}

static int64_t whole(const char *at, const char *end) {
  int64_t value = 0;
  if (at == end || *at < '0' || *at > '9') return -1;
  while (at < end && *at >= '0' && *at <= '9') value = value * 10 + (*at++ - '0');
  return value;
}

/* Read one object from `at`; returns what follows it, NULL where it is none. */
static const char *read_object(const char *at, const char *end, struct message *message) {
  int depth = 0;
  message->room = UINT32_MAX;
  message->sequence = message->value = -1;
  for (; at < end; at++) {
    if (*at == '{' || *at == '[') depth++;
    else if (*at == '}' || *at == ']') {
      if (!--depth) return at + 1;
    } else if (*at == '"') {
      const char *name = at + 1, *stop = string_end(name, end);
      if (!stop) return NULL;
      size_t length = (size_t)(stop - name);
      at = stop;
      if (stop + 2 >= end || stop[1] != ':') continue;
      if (length == field_length && !memcmp(name, field, length)) message->value = whole(stop + 2, end);
      else if (depth == 1 && length == 8 && !memcmp(name, "sequence", 8))
        message->sequence = whole(stop + 2, end);
      else if (depth == 1 && length == 4 && !memcmp(name, "room", 4) && stop[2] == '"') {
        const char *last = string_end(stop + 3, end);
        if (!last) return NULL;
        message->room = room_of(stop + 3, (uint32_t)(last - stop - 3));
        at = last;
      }
    }
  }
  return NULL;
}

static void add_message(struct parsed *parsed, struct message message) {
  if (message.room == UINT32_MAX) return;
  if (parsed->count == parsed->room_for) {
    parsed->room_for = parsed->room_for ? 2 * parsed->room_for : 4;
    parsed->messages = must(realloc(parsed->messages, parsed->room_for * sizeof *parsed->messages));
  }
  parsed->messages[parsed->count++] = message;
}

static int starts(const char *text, size_t length, const char *with) {
  size_t size = strlen(with);
  return length >= size && !memcmp(text, with, size);
}

#define BATCH "{\"type\":\"batch\",\"messages\":["

static struct parsed *parse(const char *text, size_t length) {
  size_t tail = length < 96 ? length : 96;
  uint64_t hash = hash_of(text + length - tail, tail) + length;
  struct parsed *parsed = &cache[hash % CACHED];
  if (parsed->length == length && parsed->bytes && !memcmp(parsed->bytes, text, length)) return parsed;
  if (parsed->size < length) {
    parsed->size = 2 * length;
    parsed->bytes = must(realloc(parsed->bytes, parsed->size));
  }
  memcpy(parsed->bytes, text, length);
  parsed->length = length;
  parsed->count = 0;
  const char *at = parsed->bytes, *end = at + length;
  struct message message;
  if (!starts(at, length, BATCH)) {
    if (read_object(at, end, &message)) add_message(parsed, message);
    return parsed;
  }
  at += strlen(BATCH);
  while (at && at < end && *at == '{') {
    at = read_object(at, end, &message);
    if (at) add_message(parsed, message);
    if (at && at < end && *at == ',') at++;
  }
  return parsed;
}

/* --- Connections --- */

static void note_error(const char *text, size_t length) {
  if (first_error[0]) return;
  size_t kept = 0;
  for (size_t at = 0; at < length && kept < sizeof first_error - 1; at++) {
    unsigned char letter = (unsigned char)text[at];
    if (letter >= ' ' && letter < 127) first_error[kept++] = (char)(letter == '"' || letter == '\\' ? '\'' : letter);
  }
  first_error[kept] = 0;
}

static void shut(struct client *client) {
  if (client->fd < 0) return;
  /* A reset leaves no port in TIME_WAIT. */
  struct linger at_once = {1, 0};
  setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close(client->fd);
  client->fd = -1;
  client->rest_length = 0;
}

static void end_client(struct client *client, int code, const char *why) {
  if (client->state == READY) {
    closed++;
    close_codes[code & 0xffff]++;
    client->state = CLOSED;
  } else {
    failed++;
    if (opening) in_flight--;
    client->state = FAILED;
  }
  note_error(why, strlen(why));
  shut(client);
}

static void be_ready(struct client *client) {
  if (client->state == READY) return;
  client->state = READY;
  if (!opening) return;
  in_flight--;
  ready_count++;
  last_ready = monotonic();
  ready_histogram[bucket_of(last_ready - client->began)]++;
}

static int send_frame(struct client *client, int opcode, const char *text, size_t length) {
  static char out[LONGEST_HEAD + 16];
  size_t head = 0;
  if (length > LONGEST_HEAD) return 0;
  out[head++] = (char)(0x80 | opcode);
  if (length < 126) out[head++] = (char)(0x80 | length);
  else {
    out[head++] = (char)(0x80 | 126);
    out[head++] = (char)(length >> 8);
    out[head++] = (char)length;
  }
  random_state ^= random_state << 13;
  random_state ^= random_state >> 17;
  random_state ^= random_state << 5;
  char mask[4];
  memcpy(mask, &random_state, 4);
  memcpy(out + head, mask, 4);
  head += 4;
  for (size_t at = 0; at < length; at++) out[head + at] = (char)(text[at] ^ mask[at & 3]);
  return send(client->fd, out, head + length, MSG_NOSIGNAL) == (ssize_t)(head + length);
}

static void begin_connect(struct client *client) {
  uint32_t number = (uint32_t)(client - clients);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  int one = 1;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  client->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  client->state = CONNECTING;
  client->began = monotonic();
  client->broken = client->chunked = 0;
  client->chunk = -1;
  in_flight++;
  if (client->fd < 0) {
    end_client(client, 1006, strerror(errno));
    return;
  }
  setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  free(client->seats);
  client->seats = NULL;
  client->seats_size = client->seats_used = client->rest_length = 0;
  struct epoll_event event = {.events = EPOLLOUT, .data.u32 = number};
  if ((connect(client->fd, (struct sockaddr *)&address, sizeof address) && errno != EINPROGRESS) ||
      epoll_ctl(epoll_fd, EPOLL_CTL_ADD, client->fd, &event))
    end_client(client, 1006, strerror(errno));
}

static void send_handshake(struct client *client) {
  static char request[LONGEST_HEAD];
  int length, error = 0;
  socklen_t size = sizeof error;
  getsockopt(client->fd, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error) {
    end_client(client, 1006, strerror(error));
    return;
  }
  length = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n%s%s%s%s\r\n", client->target,
                    port, *client->token ? "Authorization: Bearer " : "", client->token, *client->token ? "\r\n" : "",
                    is_sse ? "Accept: text/event-stream\r\n"
                           : "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                             "Sec-WebSocket-Key: " KEY "\r\n");
  struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)(client - clients)};
  client->state = HANDSHAKE;
  epoll_ctl(epoll_fd, EPOLL_CTL_MOD, client->fd, &event);
  if (send(client->fd, request, (size_t)length, MSG_NOSIGNAL) != length)
    end_client(client, 1006, "the handshake was not taken");
}

/* Returns the bytes of the head that were used, 0 for one that is not whole, -1 for a refusal. */
static ssize_t read_head(struct client *client, const char *data, size_t length) {
  const char *end = memmem(data, length, "\r\n\r\n", 4);
  if (!end) return length > LONGEST_HEAD ? -1 : 0;
  size_t head = (size_t)(end - data) + 4;
  const char *wanted = is_sse ? "HTTP/1.1 200" : "HTTP/1.1 101";
  if (!starts(data, length, wanted) || (!is_sse && !memmem(data, head, ACCEPT, strlen(ACCEPT)))) {
    note_error(data, head);
    return -1;
  }
  if (is_sse) {
    for (size_t at = 0; at + 17 < head; at++)
      if (!strncasecmp(data + at, "transfer-encoding", 17)) client->chunked = 1;
  }
  client->state = WAITING;
  if (!is_sse && !*client->frame) be_ready(client);
  return (ssize_t)head;
}

static void take_text(struct client *client, const char *text, size_t length, int64_t now) {
  frames++;
  client->frames++;
  if (starts(text, length, "{\"type\":\"price_update\"") || starts(text, length, BATCH)) {
    struct parsed *parsed = parse(text, length);
    for (uint32_t at = 0; at < parsed->count; at++) take_message(client, &parsed->messages[at], now);
  } else if (starts(text, length, "{\"type\":\"hello\"")) {
    if (!is_sse && !send_frame(client, 1, client->frame, strlen(client->frame)))
      end_client(client, 1006, "the subscribe frame was not taken");
  } else if (starts(text, length, "{\"type\":\"subscribed\"")) {
    be_ready(client);
  } else if (starts(text, length, "{\"type\":\"error\"")) {
    errors++;
    note_error(text, length);
  }
}

/* Take whole frames; returns the bytes that were used. */
static size_t take_frames(struct client *client, const char *data, size_t length, int64_t now) {
  size_t used = 0;
  while (client->fd >= 0 && length - used >= 2) {
    const unsigned char *head = (const unsigned char *)data + used;
    size_t size = head[1] & 127, offset = 2;
    int opcode = head[0] & 15;
    if ((head[0] & 0x70) || (head[1] & 128)) {
      end_client(client, 1002, "a frame is masked or has reserved bits");
      return used;
    }
    if (size == 126) {
      if (length - used < 4) break;
      size = (size_t)head[2] << 8 | head[3];
      offset = 4;
    } else if (size == 127) {
      if (length - used < 10) break;
      size = 0;
      for (int at = 2; at < 10; at++) size = size << 8 | head[at];
      offset = 10;
    }
    if (length - used - offset < size) break;
    const char *payload = data + used + offset;
    used += offset + size;
    if (opcode == 1 && (head[0] & 128)) take_text(client, payload, size, now);
    else if (opcode == 9) send_frame(client, 10, payload, size);
    else if (opcode == 8) {
      int code = size >= 2 ? (unsigned char)payload[0] << 8 | (unsigned char)payload[1] : 1005;
      char why[160];
      snprintf(why, sizeof why, "closed with %d %.*s", code, (int)(size > 2 ? size - 2 : 0), payload + 2);
      end_client(client, code, why);
    } else if (opcode != 10) fragments++;
  }
  return used;
}

/* Take whole lines of a text/event-stream. */
static size_t take_lines(struct client *client, const char *data, size_t length, int64_t now) {
  size_t used = 0;
  const char *end;
  while (client->fd >= 0 && (end = memchr(data + used, '\n', length - used))) {
    const char *line = data + used;
    size_t size = (size_t)(end - line);
    used += size + 1;
    if (size && line[size - 1] == '\r') size--;
    if (starts(line, size, "data:")) {
      size_t skip = size > 5 && line[5] == ' ' ? 6 : 5;
      take_text(client, line + skip, size - skip, now);
    }
  }
  return used;
}

/* Take chunks out of their coding, in place; returns what is left of the text of them. */
static size_t unchunk(struct client *client, char *data, size_t length) {
  size_t out = 0, at = 0;
  while (at < length) {
    if (client->chunk > 0) {
      size_t part = length - at < (size_t)client->chunk ? length - at : (size_t)client->chunk;
      memmove(data + out, data + at, part);
      out += part;
      at += part;
      client->chunk -= (int64_t)part;
      if (!client->chunk) client->chunk = -1;
      continue;
    }
    /* Below 0: -1 - (digits so far); a size line ends with a newline, an empty one closes the last chunk. */
    char letter = data[at++];
    if (letter == '\n') client->chunk = client->chunk == -1 ? -1 : -client->chunk - 2;
    else if (letter != '\r') {
      int digit = letter <= '9' ? letter - '0' : (letter | 32) - 'a' + 10;
      int64_t size = client->chunk == -1 ? 0 : -client->chunk - 2;
      client->chunk = -(size * 16 + digit) - 2;
    }
    if (client->chunk == 0) client->broken = 1; /* the last chunk: the stream has ended */
  }
  return out;
}

static void receive(struct client *client) {
  size_t held = client->rest_length;
  if (held) memcpy(buffer, client->rest, held);
  ssize_t got = recv(client->fd, buffer + held, READ_BYTES, 0);
  int64_t now = clock_micros(CLOCK_REALTIME);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) {
    end_client(client, 1006, got ? strerror(errno) : "closed without a close frame");
    return;
  }
  bytes += (uint64_t)got;
  size_t length = held + (size_t)got, used = 0;
  if (client->state == HANDSHAKE) {
    ssize_t head = read_head(client, buffer, length);
    if (head < 0) {
      end_client(client, 1006, "the handshake was refused");
      return;
    }
    used = (size_t)head;
    if (used && is_sse && client->chunked) length = used + unchunk(client, buffer + used, length - used);
  } else if (is_sse && client->chunked) {
    length = held + unchunk(client, buffer + held, (size_t)got);
  }
  if (client->state != HANDSHAKE)
    used += (is_sse ? take_lines : take_frames)(client, buffer + used, length - used, now);
  if (client->fd < 0) return;
  if (client->broken) {
    end_client(client, 1006, "the stream ended");
    return;
  }
  size_t rest = length - used;
  if (rest > client->rest_size) {
    client->rest = must(realloc(client->rest, rest));
    client->rest_size = (uint32_t)rest;
  } else if (!rest && client->rest_size) {
    free(client->rest);
    client->rest = NULL;
    client->rest_size = 0;
  }
  if (rest > READ_BYTES) {
    end_client(client, 1009, "a frame is larger than any of the protocol");
    return;
  }
  memcpy(client->rest ? client->rest : buffer, buffer + used, rest);
  client->rest_length = (uint32_t)rest;
}

/* --- Commands --- */

static void mark(void) {
  memset(histogram, 0, sizeof histogram);
  memset(this_second, 0, sizeof this_second);
  memset(close_codes, 0, sizeof close_codes);
  frames = messages = bytes = fallen = skipped = errors = closed = failed = fragments = second_messages = 0;
  latency_max = second = seconds_count = 0;
  first_error[0] = 0;
  for (uint32_t number = 0; number < clients_count; number++) clients[number].frames = 0;
  mark_wall = monotonic();
  mark_cpu = cpu_seconds();
  second_began = clock_micros(CLOCK_REALTIME);
}

static void report(void) {
  uint32_t open = 0, least = UINT32_MAX, most = 0, stalled = 0;
  end_second();
  for (uint32_t number = 0; number < clients_count; number++) {
    struct client *client = &clients[number];
    if (client->state != READY) continue;
    open++;
    if (client->stalled) {
      stalled++;
      continue;
    }
    if (client->frames < least) least = client->frames;
    if (client->frames > most) most = client->frames;
  }
  printf("{\"open\":%u,\"stalled\":%u,\"frames\":%llu,\"messages\":%llu,\"bytes\":%llu,\"fallen\":%llu,"
         "\"skipped\":%llu,\"errors\":%llu,\"closed\":%llu,\"failed\":%llu,\"fragments\":%llu,",
         open, stalled, (unsigned long long)frames, (unsigned long long)messages, (unsigned long long)bytes,
         (unsigned long long)fallen, (unsigned long long)skipped, (unsigned long long)errors,
         (unsigned long long)closed, (unsigned long long)failed, (unsigned long long)fragments);
  printf("\"first_error\":\"%s\",\"p50_ms\":%.3f,\"p90_ms\":%.3f,\"p99_ms\":%.3f,\"max_ms\":%.3f,", first_error,
         percentile(histogram, 50), percentile(histogram, 90), percentile(histogram, 99), latency_max / 1e3);
  printf("\"frames_least\":%u,\"frames_most\":%u,\"cpu_seconds\":%.4f,\"wall_seconds\":%.4f,\"codes\":{",
         least == UINT32_MAX ? 0 : least, most, cpu_seconds() - mark_cpu, (monotonic() - mark_wall) / 1e6);
  int comma = 0;
  for (int code = 0; code < 65536; code++)
    if (close_codes[code]) printf("%s\"%d\":%llu", comma++ ? "," : "", code, (unsigned long long)close_codes[code]);
  printf("},\"seconds\":[");
  for (int at = 0; at < seconds_count; at++)
    printf("%s[%.3f,%.3f,%llu]", at ? "," : "", seconds[at].p50, seconds[at].p99,
           (unsigned long long)seconds[at].messages);
  printf("]}\n");
}

static void newest(void) {
  uint64_t behind = 0, seats = 0;
  for (uint32_t number = 0; number < clients_count; number++) {
    struct client *client = &clients[number];
    if (client->state != READY || client->stalled) continue;
    seats += client->seats_used;
    for (uint32_t at = 0; at < client->seats_size; at++) {
      struct seat *seat = &client->seats[at];
      if (seat->room && (seat->value != rooms[seat->room - 1].value || seat->sequence != rooms[seat->room - 1].sequence))
        behind++;
    }
  }
  printf("{\"behind\":%llu,\"seats\":%llu,\"rooms\":{", (unsigned long long)behind, (unsigned long long)seats);
  for (uint32_t number = 0; number < rooms_count; number++)
    printf("%s\"%s\":[%lld,%lld]", number ? "," : "", rooms[number].name, (long long)rooms[number].sequence,
           (long long)rooms[number].value);
  printf("}}\n");
}

static void stall(uint32_t count) {
  for (uint32_t number = 0; number < count && number < clients_count; number++) {
    struct epoll_event event = {.events = 0, .data.u32 = number};
    clients[number].stalled = 1;
    if (clients[number].fd >= 0) epoll_ctl(epoll_fd, EPOLL_CTL_MOD, clients[number].fd, &event);
  }
  printf("{\"stalled\":%u}\n", count);
}

static void begin_open(uint32_t most, double seconds_given) {
  opening = 1;
  next_to_open = in_flight = ready_count = 0;
  most_in_flight = most ? most : 1;
  opening_began = last_ready = monotonic();
  opening_until = opening_began + (int64_t)(seconds_given * 1e6);
  memset(ready_histogram, 0, sizeof ready_histogram);
}

static void go_on_opening(void) {
  while (in_flight < most_in_flight && next_to_open < clients_count) {
    struct client *client = &clients[next_to_open++];
    if (client->fd < 0) begin_connect(client);
  }
  int late = monotonic() > opening_until;
  if ((in_flight || next_to_open < clients_count) && !late) return;
  if (late)
    for (uint32_t number = 0; number < clients_count; number++)
      if (clients[number].state != READY && clients[number].state != FAILED)
        end_client(&clients[number], 1006, "not ready in time");
  opening = 0;
  uint32_t ready = 0;
  for (uint32_t number = 0; number < clients_count; number++) ready += clients[number].state == READY;
  printf("{\"ready\":%u,\"opened\":%u,\"failed\":%u,\"errors\":%llu,\"seconds\":%.4f,\"p50_ms\":%.3f,\"p99_ms\":%.3f,"
         "\"first_error\":\"%s\"}\n",
         ready, ready_count, clients_count - ready, (unsigned long long)errors, (last_ready - opening_began) / 1e6,
         percentile(ready_histogram, 50), percentile(ready_histogram, 99), first_error);
  fflush(stdout);
}

static void obey(char *line) {
  char word[16];
  double first = 0, other = 0;
  if (sscanf(line, "%15s %lf %lf", word, &first, &other) < 1) return;
  if (!strcmp(word, "quit")) {
    for (uint32_t number = 0; number < clients_count; number++) shut(&clients[number]);
    exit(0);
  }
  if (!strcmp(word, "again")) {
    for (uint32_t number = 0; number < clients_count; number++) {
      shut(&clients[number]);
      clients[number].state = IDLE;
    }
    mark();
  }
  if (!strcmp(word, "open") || !strcmp(word, "again")) begin_open((uint32_t)first, other);
  else if (!strcmp(word, "mark")) {
    mark();
    printf("{}\n");
  } else if (!strcmp(word, "report")) report();
  else if (!strcmp(word, "newest")) newest();
  else if (!strcmp(word, "stall")) stall((uint32_t)first);
  else printf("{\"unknown\":true}\n");
  fflush(stdout);
}

static void read_plan(const char *path) {
  FILE *file = fopen(path, "r");
  char *line = NULL;
  size_t size = 0, room_for = 0;
  if (!file) {
    perror(path);
    exit(2);
  }
  while (getline(&line, &size, file) > 0) {
    if (clients_count == room_for) {
      room_for = room_for ? 2 * room_for : 1024;
      clients = must(realloc(clients, room_for * sizeof *clients));
    }
    line[strcspn(line, "\n")] = 0;
    char *parts = must(strdup(line)), *token = strsep(&parts, "\t"), *target = strsep(&parts, "\t");
    struct client *client = &clients[clients_count++];
    memset(client, 0, sizeof *client);
    client->fd = -1;
    client->token = token;
    client->target = target ? target : "/";
    client->frame = parts ? parts : "";
  }
  free(line);
  fclose(file);
}

int main(int count, char **arguments) {
  static struct epoll_event ready[EVENTS];
  static char commands[4096];
  size_t held = 0;
  if (count != 5) {
    fputs("client <port> <plan> <ws|sse> <field>\n", stderr);
    return 2;
  }
  signal(SIGPIPE, SIG_IGN);
  port = atoi(arguments[1]);
  read_plan(arguments[2]);
  is_sse = !strcmp(arguments[3], "sse");
  field = arguments[4];
  field_length = strlen(field);
  buffer = must(malloc(2 * READ_BYTES + LONGEST_HEAD));
  epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event event = {.events = EPOLLIN, .data.u32 = STDIN_EVENT};
  if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, 0, &event)) {
    perror("stdin is no pipe");
    return 2;
  }
  mark();
  for (;;) {
    int got = epoll_wait(epoll_fd, ready, EVENTS, opening ? 20 : 1000);
    for (int at = 0; at < got; at++) {
      if (ready[at].data.u32 == STDIN_EVENT) {
        ssize_t length = read(0, commands + held, sizeof commands - held);
        if (length <= 0) return 0;
        held += (size_t)length;
        char *end;
        while ((end = memchr(commands, '\n', held))) {
          *end = 0;
          obey(commands);
          held -= (size_t)(end + 1 - commands);
          memmove(commands, end + 1, held);
        }
        continue;
      }
      struct client *client = &clients[ready[at].data.u32];
      if (client->fd < 0) continue;
      if (client->state == CONNECTING) send_handshake(client);
      else if (client->stalled) {
        if (ready[at].events & (EPOLLHUP | EPOLLERR)) end_client(client, 1006, "a stalled one was cut");
      } else receive(client);
    }
    if (opening) go_on_opening();
  }
}
