/*
 * What a power failure leaves of a data directory: a library to preload into postgres.
 *
 * fsync and fdatasync copy the file, as it is then, to the same place under a second directory, and
 * sync nothing. After all processes were killed that second directory is what the disk would have:
 * everything that was synced, and nothing else. Renames and removals are taken to be on the disk at
 * once, as with a journal.
 *
 * CHAOS_DATA is the data directory, CHAOS_DISK the second one, both absolute.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static int (*real_rename)(const char *, const char *);
static int (*real_unlink)(const char *);
static int (*real_link)(const char *, const char *);
static char data[PATH_MAX];
static char disk[PATH_MAX];

__attribute__((constructor)) static void
begin(void)
{
	*(void **) &real_rename = dlsym(RTLD_NEXT, "rename");
	*(void **) &real_unlink = dlsym(RTLD_NEXT, "unlink");
	*(void **) &real_link = dlsym(RTLD_NEXT, "link");
	/* Copies: postgres writes its title over the environment. */
	snprintf(data, sizeof data, "%s", getenv("CHAOS_DATA"));
	snprintf(disk, sizeof disk, "%s", getenv("CHAOS_DISK"));
}

/* Where a path of the data directory, or one relative to it, is on the disk; 0 if it is elsewhere. */
static int
on_disk(const char *path, char *result)
{
	size_t length = strlen(data);

	if (path[0] != '/')
		return snprintf(result, PATH_MAX, "%s/%s", disk, path) < PATH_MAX;
	if (strncmp(path, data, length) != 0 || (path[length] != '/' && path[length] != '\0'))
		return 0;
	return snprintf(result, PATH_MAX, "%s%s", disk, path + length) < PATH_MAX;
}

static long long
nanoseconds(struct timespec time)
{
	return time.tv_sec * 1000000000LL + time.tv_nsec;
}

/*
 * Whether a file is on the disk as it is. A copy has the time at which it was begun; the kernel's
 * times are coarse, so that a change at about that time may not show.
 */
static int
is_unchanged(const struct stat *file, const char *copy)
{
	struct stat other;
	long long	changed = nanoseconds(file->st_mtim);
	long long	copied;

	if (stat(copy, &other) != 0 || other.st_size != file->st_size)
		return 0;
	copied = nanoseconds(other.st_mtim);
	return changed == copied || changed + 20 * 1000000LL < copied;
}

/* Copies what the descriptor has to a file; a whole new one takes its place. */
static int
copy(int from, const char *to)
{
	char		part[PATH_MAX + 32];
	static char buffer[1 << 18];
	struct timespec times[2];
	off_t		offset = 0;
	ssize_t		got;
	int			out;

	snprintf(part, sizeof part, "%s.%d.part", to, (int) getpid());
	out = open(part, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (out < 0)
		return -1;
	clock_gettime(CLOCK_REALTIME, &times[0]);
	times[1] = times[0];
	while ((got = pread(from, buffer, sizeof buffer, offset)) > 0)
	{
		if (write(out, buffer, (size_t) got) != got)
		{
			got = -1;
			break;
		}
		offset += got;
	}
	futimens(out, times);
	close(out);
	if (got < 0)
	{
		real_unlink(part);
		return -1;
	}
	return real_rename(part, to);
}

/* A descriptor that can be read: postgres may have opened the file for writing only. */
static int
readable(int fd)
{
	char		name[64];

	snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
	return open(name, O_RDONLY);
}

static int
sync_to_disk(int fd)
{
	char		name[64];
	char		path[PATH_MAX];
	char		target[PATH_MAX];
	struct stat status;
	ssize_t		length;
	int			in;
	int			result;

	snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
	length = readlink(name, path, sizeof path - 1);
	if (length < 0 || fstat(fd, &status) != 0)
		return -1;
	path[length] = '\0';
	if (!on_disk(path, target) || status.st_nlink == 0)
		return 0;
	if (S_ISDIR(status.st_mode))
		return mkdir(target, 0700) == 0 || errno == EEXIST ? 0 : -1;
	if (is_unchanged(&status, target))
		return 0;
	in = readable(fd);
	if (in < 0)
		return -1;
	result = copy(in, target);
	close(in);
	return result;
}

int
fsync(int fd)
{
	return sync_to_disk(fd);
}

int
fdatasync(int fd)
{
	return sync_to_disk(fd);
}

/* Does to the disk what was done to the data directory. */
static int
do_to_both(int (*change)(const char *, const char *), const char *from, const char *to)
{
	char		disk_from[PATH_MAX];
	char		disk_to[PATH_MAX];
	int			result = change(from, to);

	if (result == 0 && on_disk(from, disk_from) && on_disk(to, disk_to))
		(void) change(disk_from, disk_to);
	return result;
}

int
rename(const char *from, const char *to)
{
	return do_to_both(real_rename, from, to);
}

int
link(const char *from, const char *to)
{
	return do_to_both(real_link, from, to);
}

int
unlink(const char *path)
{
	char		target[PATH_MAX];
	int			result = real_unlink(path);

	if (result == 0 && on_disk(path, target))
		(void) real_unlink(target);
	return result;
}
