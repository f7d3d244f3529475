/*
 * A disk that writes down what it is told, for tests/power_cut.rs: preloaded into the server, it appends every write, truncation,
 * sync and change of a directory under $DISK_ROOT to the file $DISK_LOG, in the order in which they were made. A sync costs
 * nothing here: what the log makes of it decides what would have outlived a power cut. With $DISK_MOUNTS the process reads another
 * table of mounts, for tests/network_disk.rs.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))real(#name))

/* One at a time, so that the log's order is the order in which things were done. Recursive, for a library may call another. */
static pthread_mutex_t turn = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static int out = -1;
static const char *root;

static void *real(const char *name) { return dlsym(RTLD_NEXT, name); }

/* Whether what happens to this path is to be written down. */
static int watched(const char *path) {
    if (out == -1) {
        root = getenv("DISK_ROOT");
        const char *log = getenv("DISK_LOG");
        out = root && log ? REAL(open64)(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -2;
    }
    return out >= 0 && path && strncmp(path, root, strlen(root)) == 0;
}

/* The path of an open file, if it is watched and still has one. */
static int named(int file, char *path) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    path[length > 0 ? length : 0] = 0;
    return watched(path) && !strstr(path, " (deleted)");
}

/* kind, path, offset or size, and the bytes or the second path. */
static void note(char kind, const char *path, uint64_t at, const void *bytes, size_t length) {
    uint8_t head[17];
    uint32_t lengths[2] = {(uint32_t)strlen(path), (uint32_t)length};
    head[0] = (uint8_t)kind;
    memcpy(head + 1, lengths, 8);
    memcpy(head + 9, &at, 8);
    struct iovec parts[3] = {{head, sizeof head}, {(void *)path, lengths[0]}, {(void *)bytes, length}};
    ssize_t all = (ssize_t)(sizeof head + lengths[0] + length);
    if (REAL(writev)(out, parts, 3) != all) abort();
}

static void begin(void) { pthread_mutex_lock(&turn); }

static void end(void) {
    int error = errno;
    pthread_mutex_unlock(&turn);
    errno = error;
}

static int opened(int at, const char *path, int flags, mode_t mode) {
    const char *mounts = getenv("DISK_MOUNTS");
    if (mounts && strcmp(path, "/proc/self/mountinfo") == 0) path = mounts;
    begin();
    struct stat64 known;
    int is_new = (flags & O_CREAT) && watched(path) && stat64(path, &known) != 0;
    int file = REAL(openat64)(at, path, flags, mode);
    if (file >= 0 && is_new) note('C', path, 0, "", 0);
    if (file >= 0 && (flags & O_TRUNC) && watched(path)) note('T', path, 0, "", 0);
    end();
    return file;
}

#define MODE(last)                                                                                                             \
    mode_t mode = 0;                                                                                                           \
    if (flags & O_CREAT) {                                                                                                     \
        va_list rest;                                                                                                          \
        va_start(rest, last);                                                                                                  \
        mode = va_arg(rest, mode_t);                                                                                           \
        va_end(rest);                                                                                                          \
    }

int open(const char *path, int flags, ...) { MODE(flags) return opened(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE(flags) return opened(AT_FDCWD, path, flags, mode); }
int openat(int at, const char *path, int flags, ...) { MODE(flags) return opened(at, path, flags, mode); }
int openat64(int at, const char *path, int flags, ...) { MODE(flags) return opened(at, path, flags, mode); }

static ssize_t written(int file, const void *bytes, size_t length, off64_t at) {
    char path[PATH_MAX];
    begin();
    int is_named = named(file, path);
    if (is_named && at < 0) at = lseek64(file, 0, fcntl(file, F_GETFL) & O_APPEND ? SEEK_END : SEEK_CUR);
    ssize_t done = is_named ? REAL(pwrite64)(file, bytes, length, at) : -1;
    if (done > 0) note('W', path, (uint64_t)at, bytes, (size_t)done);
    end();
    return is_named ? done : -2;
}

ssize_t pwrite64(int file, const void *bytes, size_t length, off64_t at) {
    ssize_t done = written(file, bytes, length, at);
    return done == -2 ? REAL(pwrite64)(file, bytes, length, at) : done;
}
ssize_t pwrite(int file, const void *bytes, size_t length, off_t at) { return pwrite64(file, bytes, length, at); }

ssize_t write(int file, const void *bytes, size_t length) {
    ssize_t done = written(file, bytes, length, -1);
    if (done == -2) return REAL(write)(file, bytes, length);
    if (done > 0) lseek64(file, done, SEEK_CUR);
    return done;
}

int ftruncate64(int file, off64_t size) {
    char path[PATH_MAX];
    begin();
    int result = REAL(ftruncate64)(file, size);
    if (result == 0 && named(file, path)) note('T', path, (uint64_t)size, "", 0);
    end();
    return result;
}
int ftruncate(int file, off_t size) { return ftruncate64(file, size); }

static int synced(int file) {
    char path[PATH_MAX];
    begin();
    int is_named = named(file, path);
    if (is_named) note('S', path, 0, "", 0);
    end();
    return is_named;
}

int fsync(int file) { return synced(file) ? 0 : REAL(fsync)(file); }
int fdatasync(int file) { return synced(file) ? 0 : REAL(fdatasync)(file); }

/* Something done to names: by one path, or from one to another. */
#define NAMES(kind, path, other, done)                                                                                         \
    begin();                                                                                                                   \
    int result = done;                                                                                                         \
    if (result == 0 && watched(path)) note(kind, path, 0, other, strlen(other));                                               \
    end();                                                                                                                     \
    return result;

int unlink(const char *path) { NAMES('U', path, "", REAL(unlink)(path)) }
int mkdir(const char *path, mode_t mode) { NAMES('D', path, "", REAL(mkdir)(path, mode)) }
int rename(const char *from, const char *to) { NAMES('R', from, to, REAL(rename)(from, to)) }
int link(const char *from, const char *to) { NAMES('L', from, to, REAL(link)(from, to)) }
int linkat(int a, const char *from, int b, const char *to, int flags) { NAMES('L', from, to, REAL(linkat)(a, from, b, to, flags)) }

/* Ways round write(): not on this disk. Whoever tries them goes on without. */
ssize_t copy_file_range(int a, off64_t *b, int c, off64_t *d, size_t e, unsigned f) {
    (void)a, (void)b, (void)c, (void)d, (void)e, (void)f;
    errno = ENOSYS;
    return -1;
}
ssize_t sendfile64(int a, int b, off64_t *c, size_t d) {
    (void)a, (void)b, (void)c, (void)d;
    errno = ENOSYS;
    return -1;
}
