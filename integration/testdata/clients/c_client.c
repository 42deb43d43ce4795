/* Uses what programs use of ZooKeeper's C client and prints what it sees.
 *
 * Argument: the server's address. Each line printed is "name: value"; the test
 * that runs this compares them all.
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <zookeeper/zookeeper.h>

enum { PATIENCE_SECONDS = 60, SESSION_MILLIS = 60000, EVENTS_MAX = 256, TEXT_MAX = 512 };

/* What watchers were told, in order. The library calls them on its own thread. */
struct seen {
	pthread_mutex_t mutex;
	pthread_cond_t more;
	int count, read;
	struct {
		int type, state;
		char path[TEXT_MAX];
	} events[EVENTS_MAX];
};

static const char *address;

static void fail(const char *what)
{
	fprintf(stderr, "%s\n", what);
	exit(1);
}

static struct seen *seen_new(void)
{
	struct seen *s = calloc(1, sizeof(*s));
	if (!s)
		fail("out of memory");
	pthread_mutex_init(&s->mutex, NULL);
	pthread_cond_init(&s->more, NULL);
	return s;
}

static void watch(zhandle_t *zh, int type, int state, const char *path, void *context)
{
	struct seen *s = context;
	(void)zh;
	pthread_mutex_lock(&s->mutex);
	if (s->count < EVENTS_MAX) {
		s->events[s->count].type = type;
		s->events[s->count].state = state;
		snprintf(s->events[s->count].path, TEXT_MAX, "%s", path ? path : "");
		s->count++;
	}
	pthread_cond_signal(&s->more);
	pthread_mutex_unlock(&s->mutex);
}

/* Waits for the next event and returns its place. */
static int seen_next(struct seen *s)
{
	struct timespec until;
	int at;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += PATIENCE_SECONDS;
	pthread_mutex_lock(&s->mutex);
	while (s->read == s->count)
		if (pthread_cond_timedwait(&s->more, &s->mutex, &until) == ETIMEDOUT)
			fail("no event came");
	at = s->read++;
	pthread_mutex_unlock(&s->mutex);
	return at;
}

/* Waits for the session to be in one of two states and returns it. */
static int wait_states(struct seen *s, int one, int other)
{
	for (;;) {
		int at = seen_next(s);
		if (s->events[at].type != ZOO_SESSION_EVENT)
			continue;
		if (s->events[at].state == one || s->events[at].state == other)
			return s->events[at].state;
	}
}

static void wait_state(struct seen *s, int state) { wait_states(s, state, state); }

/* Prints the next event that is not about the session. */
static void show_event(const char *name, struct seen *s)
{
	for (;;) {
		int at = seen_next(s);
		const char *kind = "?";
		if (s->events[at].type == ZOO_SESSION_EVENT)
			continue;
		if (s->events[at].type == ZOO_CREATED_EVENT)
			kind = "created";
		if (s->events[at].type == ZOO_DELETED_EVENT)
			kind = "deleted";
		if (s->events[at].type == ZOO_CHANGED_EVENT)
			kind = "changed";
		if (s->events[at].type == ZOO_CHILD_EVENT)
			kind = "children";
		printf("%s: %s %s\n", name, kind, s->events[at].path);
		return;
	}
}

static void show(const char *name, int rc) { printf("%s: %s\n", name, zerror(rc)); }

static void ask(const char *question)
{
	char line[TEXT_MAX];
	printf("? %s\n", question);
	fflush(stdout);
	if (!fgets(line, sizeof(line), stdin))
		fail("no answer");
}

static zhandle_t *open_as(struct seen *s, const clientid_t *id)
{
	zhandle_t *zh = zookeeper_init(address, watch, SESSION_MILLIS, id, s, 0);
	if (!zh)
		fail("zookeeper_init failed");
	return zh;
}

static zhandle_t *connect_as(struct seen *s, const clientid_t *id, int wanted)
{
	zhandle_t *zh = open_as(s, id);
	wait_state(s, wanted);
	return zh;
}

static int make(zhandle_t *zh, const char *path, const char *value, int mode, char *made)
{
	int size = value ? (int)strlen(value) : -1;
	return zoo_create(zh, path, value, size, &ZOO_OPEN_ACL_UNSAFE, mode, made, made ? TEXT_MAX : 0);
}

static void operations(zhandle_t *zh)
{
	char made[TEXT_MAX], value[TEXT_MAX];
	struct Stat stat;
	struct String_vector names;
	int size, rc;

	rc = make(zh, "/c", "one", ZOO_PERSISTENT, made);
	printf("create: %s %s\n", zerror(rc), made);
	show("create again", make(zh, "/c", "one", ZOO_PERSISTENT, NULL));
	show("create without parent", make(zh, "/none/a", "", ZOO_PERSISTENT, NULL));
	size = sizeof(value);
	rc = zoo_get(zh, "/c", 0, value, &size, &stat);
	printf("get: %s %.*s version %d\n", zerror(rc), size, value, stat.version);
	rc = zoo_set2(zh, "/c", "three", 5, 0, &stat);
	printf("set: %s version %d length %d\n", zerror(rc), stat.version, stat.dataLength);
	show("set of an old version", zoo_set(zh, "/c", "", 0, 0));
	make(zh, "/c/null", NULL, ZOO_PERSISTENT, NULL);
	make(zh, "/c/empty", "", ZOO_PERSISTENT, NULL);
	size = sizeof(value);
	rc = zoo_get(zh, "/c/null", 0, value, &size, NULL);
	printf("null: %s %d\n", zerror(rc), size);
	size = sizeof(value);
	rc = zoo_get(zh, "/c/empty", 0, value, &size, NULL);
	printf("empty: %s %d\n", zerror(rc), size);
	for (int i = 0; i < 2; i++) {
		rc = make(zh, "/c/n-", "", ZOO_PERSISTENT_SEQUENTIAL, made);
		printf("sequence: %s %s\n", zerror(rc), made);
	}
	rc = zoo_create2(zh, "/c/ephemeral", "x", 1, &ZOO_OPEN_ACL_UNSAFE, ZOO_EPHEMERAL, made, TEXT_MAX, &stat);
	printf("ephemeral: %s %s mine %d\n", zerror(rc), made, stat.ephemeralOwner == zoo_client_id(zh)->client_id);
	show("child of an ephemeral", make(zh, "/c/ephemeral/a", "", ZOO_PERSISTENT, NULL));
	show("container", make(zh, "/c/container", "", ZOO_CONTAINER, NULL));
	rc = zoo_create_ttl(zh, "/c/ttl", "", 0, &ZOO_OPEN_ACL_UNSAFE, ZOO_PERSISTENT_WITH_TTL, 3600000, made, TEXT_MAX);
	printf("TTL: %s %s\n", zerror(rc), made);
	rc = zoo_get_children2(zh, "/c", 0, &names, &stat);
	printf("children: %s %d of %d cversion %d\n", zerror(rc), names.count, stat.numChildren, stat.cversion);
	deallocate_String_vector(&names);
	show("exists", zoo_exists(zh, "/c/ttl", 0, &stat));
	show("exists not", zoo_exists(zh, "/c/none", 0, &stat));
	show("delete of a parent", zoo_delete(zh, "/c", -1));
	show("delete of an old version", zoo_delete(zh, "/c/ttl", 4));
	show("delete", zoo_delete(zh, "/c/ttl", 0));
	show("bad path", make(zh, "/c//x", "", ZOO_PERSISTENT, NULL));
}

static void transactions(zhandle_t *zh)
{
	char made[2][TEXT_MAX];
	struct Stat stat;
	zoo_op_t ops[5];
	zoo_op_result_t results[5];

	zoo_create_op_init(&ops[0], "/multi", "0", 1, &ZOO_OPEN_ACL_UNSAFE, 0, made[0], TEXT_MAX);
	zoo_create_op_init(&ops[1], "/multi/n-", "", 0, &ZOO_OPEN_ACL_UNSAFE, ZOO_SEQUENCE, made[1], TEXT_MAX);
	zoo_set_op_init(&ops[2], "/multi", "12", 2, 0, &stat);
	zoo_check_op_init(&ops[3], "/multi", 1);
	zoo_delete_op_init(&ops[4], "/multi/n-0000000000", 0);
	show("multi", zoo_multi(zh, 5, ops, results));
	printf("its results: %s %s version %d, %d %d\n", made[0], made[1], stat.version, results[3].err, results[4].err);
	zoo_create_op_init(&ops[0], "/multi/never", "", 0, &ZOO_OPEN_ACL_UNSAFE, 0, made[0], TEXT_MAX);
	zoo_check_op_init(&ops[1], "/multi", 8);
	zoo_delete_op_init(&ops[2], "/multi", -1);
	show("failed multi", zoo_multi(zh, 3, ops, results));
	printf("its results: %d %d %d\n", results[0].err, results[1].err, results[2].err);
	show("left of it", zoo_exists(zh, "/multi/never", 0, &stat));
}

static void watches(zhandle_t *zh)
{
	struct seen *s = seen_new();
	struct Stat stat;
	struct String_vector names;
	char value[TEXT_MAX];
	int size = sizeof(value);

	show("exists watch", zoo_wexists(zh, "/watched", watch, s, &stat));
	make(zh, "/watched", "1", ZOO_PERSISTENT, NULL);
	show_event("event", s);
	zoo_wget(zh, "/watched", watch, s, value, &size, &stat);
	zoo_set(zh, "/watched", "2", 1, -1);
	show_event("event", s);
	zoo_wget_children(zh, "/watched", watch, s, &names);
	deallocate_String_vector(&names);
	make(zh, "/watched/child", "", ZOO_PERSISTENT, NULL);
	show_event("event", s);
	zoo_wexists(zh, "/watched/child", watch, s, &stat);
	zoo_delete(zh, "/watched/child", -1);
	show_event("event", s);
	zoo_wexists(zh, "/watched/child", watch, s, &stat);
	show("remove watches", zoo_remove_watches(zh, "/watched/child", ZWATCHTYPE_DATA, watch, s, 0));
	show("remove watches again", zoo_remove_watches(zh, "/watched/child", ZWATCHTYPE_DATA, watch, s, 0));
}

static void authenticated(int rc, const void *data) { watch(NULL, rc, 0, "", (void *)data); }

static void access_lists(zhandle_t *zh)
{
	struct seen *s = seen_new(), *answers = seen_new();
	zhandle_t *other = connect_as(s, NULL, ZOO_CONNECTED_STATE);
	struct ACL_vector acl;
	struct Stat stat;
	char value[TEXT_MAX];
	int size = sizeof(value);

	zoo_add_auth(zh, "digest", "user:password", 13, authenticated, answers);
	printf("add_auth: %s\n", zerror(answers->events[seen_next(answers)].type));
	show("create", zoo_create(zh, "/secret", "hidden", 6, &ZOO_CREATOR_ALL_ACL, 0, NULL, 0));
	show("get by a stranger", zoo_get(other, "/secret", 0, value, &size, &stat));
	zoo_get_acl(zh, "/secret", &acl, &stat);
	printf("ACL: %d %s %.5s %d\n", acl.data[0].perms, acl.data[0].id.scheme, acl.data[0].id.id, acl.count);
	show("set_acl", zoo_set_acl(zh, "/secret", 0, &ZOO_READ_ACL_UNSAFE));
	show("set_acl of an old version", zoo_set_acl(zh, "/secret", 0, &acl));
	deallocate_ACL_vector(&acl);
	size = sizeof(value);
	show("get by a stranger afterwards", zoo_get(other, "/secret", 0, value, &size, &stat));
	show("set by a stranger", zoo_set(other, "/secret", "", 0, -1));
	zoo_add_auth(other, "nonsense", "x", 1, authenticated, answers);
	printf("add_auth of an unknown scheme: %s\n", zerror(answers->events[seen_next(answers)].type));
	zookeeper_close(other);
}

/* The session, its ephemerals, credentials and watches outlive the server. */
static void restart(zhandle_t *zh, struct seen *session)
{
	struct seen *s = seen_new(), *others = seen_new();
	clientid_t before = *zoo_client_id(zh);
	zhandle_t *writer;
	struct Stat stat;
	struct String_vector names;
	char value[TEXT_MAX];
	int size = sizeof(value);

	make(zh, "/lives", "on", ZOO_EPHEMERAL, NULL);
	make(zh, "/later", "1", ZOO_PERSISTENT, NULL);
	make(zh, "/parent", "", ZOO_PERSISTENT, NULL);
	zoo_create(zh, "/own", "own", 3, &ZOO_CREATOR_ALL_ACL, 0, NULL, 0);
	zoo_wget(zh, "/later", watch, s, value, &size, &stat);
	ask("restart");
	/* The writer may be sooner than the reconnection: then it is replayed. */
	writer = connect_as(others, NULL, ZOO_CONNECTED_STATE);
	show("set", zoo_set(writer, "/later", "2", 1, -1));
	show_event("replayed or live", s);
	wait_state(session, ZOO_CONNECTED_STATE);
	printf("same session: %d\n", zoo_client_id(zh)->client_id == before.client_id);
	show("ephemeral", zoo_exists(zh, "/lives", 0, &stat));
	printf("its owner: %d\n", stat.ephemeralOwner == before.client_id);
	size = sizeof(value);
	show("own", zoo_get(zh, "/own", 0, value, &size, &stat));
	zoo_wget_children(zh, "/parent", watch, s, &names);
	deallocate_String_vector(&names);
	make(writer, "/parent/child", "", ZOO_PERSISTENT, NULL);
	show_event("watch after it", s);
	zookeeper_close(writer);
}

static void sessions(zhandle_t *zh)
{
	struct seen *first = seen_new(), *second = seen_new(), *events = seen_new();
	zhandle_t *owner = connect_as(first, NULL, ZOO_CONNECTED_STATE), *heir, *stranger;
	clientid_t id = *zoo_client_id(owner), wrong = id;
	struct Stat stat;

	make(owner, "/of-session", "", ZOO_EPHEMERAL, NULL);
	zoo_wexists(zh, "/of-session", watch, events, &stat);
	wrong.passwd[5] ^= 1;
	stranger = connect_as(second, &wrong, ZOO_EXPIRED_SESSION_STATE);
	printf("wrong password: unrecoverable %d\n", is_unrecoverable(stranger) != ZOK);
	zookeeper_close(stranger);
	heir = connect_as(second = seen_new(), &id, ZOO_CONNECTED_STATE);
	printf("right password: same session %d\n", zoo_client_id(heir)->client_id == id.client_id);
	/* The owner connects again and may get the session back before the heir
	 * has closed it. */
	do {
		zookeeper_close(heir);
		heir = open_as(second = seen_new(), &id);
	} while (wait_states(second, ZOO_CONNECTED_STATE, ZOO_EXPIRED_SESSION_STATE) == ZOO_CONNECTED_STATE);
	zookeeper_close(heir);
	show_event("its ephemeral", events);
	wait_state(first, ZOO_EXPIRED_SESSION_STATE);
	show("the other client", zoo_exists(owner, "/", 0, &stat));
	zookeeper_close(owner);
}

int main(int argc, char **argv)
{
	struct seen *session = seen_new();
	zhandle_t *zh;

	if (argc != 2)
		fail("want the server's address");
	address = argv[1];
	setvbuf(stdout, NULL, _IOLBF, 0);
	zoo_set_debug_level(ZOO_LOG_LEVEL_ERROR);
	zh = connect_as(session, NULL, ZOO_CONNECTED_STATE);
	printf("negotiated timeout: %d\n", zoo_recv_timeout(zh));
	operations(zh);
	transactions(zh);
	watches(zh);
	access_lists(zh);
	restart(zh, session);
	sessions(zh);
	show("close", zookeeper_close(zh));
	return 0;
}
