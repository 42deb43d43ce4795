import java.util.Arrays;
import java.util.List;
import java.util.TreeSet;
import java.util.concurrent.CountDownLatch;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.Op;
import org.apache.zookeeper.OpResult;
import org.apache.zookeeper.Watcher.Event.KeeperState;
import org.apache.zookeeper.ZooDefs.Ids;
import org.apache.zookeeper.ZooKeeper;
import org.apache.zookeeper.data.ACL;
import org.apache.zookeeper.data.Stat;

/** Uses what every ZooKeeper client since 3.4 has. Arguments: a root path, the server's address. */
public final class ZooKeeperSmoke {
    private static String root;
    private static String address;

    public static void main(String[] arguments) throws Exception {
        root = arguments[0];
        address = arguments[1];
        Shown.Events session = new Shown.Events();
        ZooKeeper client = connect(session);
        operations(client);
        transactions(client);
        watches(client);
        access(client);
        restart(client, session);
        sessions(client);
        client.close();
        Shown.show("end", "reached");
        System.exit(0);
    }

    private static ZooKeeper connect(Shown.Events session) throws Exception {
        ZooKeeper client = new ZooKeeper(address, Shown.SESSION_MILLIS, session);
        session.states.until(KeeperState.SyncConnected);
        return client;
    }

    private static String make(ZooKeeper client, String path, String data, CreateMode mode) throws Exception {
        return client.create(root + path, data == null ? null : Shown.bytes(data), Ids.OPEN_ACL_UNSAFE, mode)
                .substring(root.length());
    }

    private static void operations(ZooKeeper client) throws Exception {
        client.create(root, new byte[0], Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT);
        Shown.show("timeout", client.getSessionTimeout());
        Shown.show("create", make(client, "/a", "one", CreateMode.PERSISTENT));
        Shown.show("create again", Shown.error(() -> make(client, "/a", "", CreateMode.PERSISTENT)));
        Shown.show("create without parent", Shown.error(() -> make(client, "/none/a", "", CreateMode.PERSISTENT)));
        Stat stat = new Stat();
        Shown.show("get", Shown.text(client.getData(root + "/a", false, stat)) + " " + stat.getVersion());
        Shown.show("set", client.setData(root + "/a", Shown.bytes("three"), 0).getDataLength());
        Shown.show("set of an old version", Shown.error(() -> client.setData(root + "/a", null, 0)));
        make(client, "/null", null, CreateMode.PERSISTENT);
        Shown.show("null", Shown.text(client.getData(root + "/null", false, null)));
        make(client, "/größe-日本", "Привет", CreateMode.PERSISTENT);
        Shown.show("unicode is kept", Shown.text(client.getData(root + "/größe-日本", false, null)).equals("Привет"));
        Shown.show("sequence", make(client, "/n-", "", CreateMode.PERSISTENT_SEQUENTIAL));
        Shown.show("ephemeral", make(client, "/ephemeral", "", CreateMode.EPHEMERAL));
        Shown.show("its owner", client.exists(root + "/ephemeral", false).getEphemeralOwner() == client.getSessionId());
        Shown.show("child of it", Shown.error(() -> make(client, "/ephemeral/a", "", CreateMode.PERSISTENT)));
        Shown.show("ephemeral sequence", make(client, "/e-", "", CreateMode.EPHEMERAL_SEQUENTIAL));
        List<String> names = client.getChildren(root, false, stat);
        Shown.show("children", names.size() + " " + stat.getNumChildren() + " " + stat.getCversion());
        Shown.show("exists not", client.exists(root + "/none", false));
        Shown.show("delete of a parent", Shown.error(() -> { client.delete(root, -1); return null; }));
        client.delete(root + "/a", 1);
        Shown.show("deleted", client.exists(root + "/a", false));
        CountDownLatch synced = new CountDownLatch(1);
        client.sync(root, (code, path, context) -> { Shown.show("sync", code); synced.countDown(); }, null);
        synced.await();
        byte[] large = new byte[1_000_000];
        Arrays.fill(large, (byte) 7);
        client.create(root + "/large", large, Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT);
        Shown.show("large", Arrays.equals(large, client.getData(root + "/large", false, null)));
    }

    private static void transactions(ZooKeeper client) throws Exception {
        List<OpResult> results = client.multi(Arrays.asList(
                Op.create(root + "/multi", new byte[0], Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT),
                Op.create(root + "/multi/n-", new byte[0], Ids.OPEN_ACL_UNSAFE, CreateMode.EPHEMERAL_SEQUENTIAL),
                Op.setData(root + "/multi", Shown.bytes("12"), 0),
                Op.check(root + "/multi", 1),
                Op.delete(root + "/multi/n-0000000000", 0)));
        Shown.show("multi", ((OpResult.CreateResult) results.get(1)).getPath().substring(root.length())
                + " " + ((OpResult.SetDataResult) results.get(2)).getStat().getVersion());
        try {
            client.transaction().create(root + "/never", null, Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT)
                    .check(root + "/multi", 9).delete(root + "/multi", -1).commit();
        } catch (KeeperException e) {
            StringBuilder codes = new StringBuilder();
            for (OpResult result : e.getResults()) {
                codes.append(' ').append(((OpResult.ErrorResult) result).getErr());
            }
            Shown.show("failed multi", e.code() + codes.toString());
        }
        Shown.show("left of it", client.exists(root + "/never", false));
    }

    private static void watches(ZooKeeper client) throws Exception {
        Shown.Events events = new Shown.Events();
        String path = root + "/watched";
        client.exists(path, events);
        make(client, "/watched", "1", CreateMode.PERSISTENT);
        Shown.show("event", events.next().replace(root, ""));
        client.getData(path, events, null);
        client.setData(path, null, -1);
        Shown.show("event", events.next().replace(root, ""));
        client.getChildren(path, events);
        make(client, "/watched/a", "", CreateMode.PERSISTENT);
        Shown.show("event", events.next().replace(root, ""));
        client.exists(path + "/a", events);
        client.delete(path + "/a", 0);
        Shown.show("event", events.next().replace(root, ""));
    }

    private static void access(ZooKeeper client) throws Exception {
        ZooKeeper owner = connect(new Shown.Events());
        owner.addAuthInfo("digest", Shown.bytes("user:password"));
        String path = root + "/secret";
        owner.create(path, Shown.bytes("hidden"), Ids.CREATOR_ALL_ACL, CreateMode.PERSISTENT);
        Shown.show("get by a stranger", Shown.error(() -> client.getData(path, false, null)));
        Stat stat = new Stat();
        List<ACL> list = owner.getACL(path, stat);
        Shown.show("ACL", list.size() + " " + list.get(0).getPerms() + " " + list.get(0).getId().getScheme());
        client.addAuthInfo("digest", Shown.bytes("user:password"));
        Shown.show("get after addAuthInfo", Shown.text(client.getData(path, false, stat)));
        Shown.show("setACL", owner.setACL(path, Ids.READ_ACL_UNSAFE, 0).getAversion());
        Shown.show("set by the owner", Shown.error(() -> owner.setData(path, null, -1)));
        owner.close();
    }

    /** The session, its ephemerals, credentials and watches outlive the server. */
    private static void restart(ZooKeeper client, Shown.Events session) throws Exception {
        Shown.Events events = new Shown.Events();
        long id = client.getSessionId();
        make(client, "/lives", "on", CreateMode.EPHEMERAL);
        make(client, "/later", "1", CreateMode.PERSISTENT);
        client.create(root + "/own", null, Ids.CREATOR_ALL_ACL, CreateMode.PERSISTENT);
        client.getData(root + "/later", events, null);
        Shown.ask("restart");
        ZooKeeper writer = connect(new Shown.Events());
        writer.setData(root + "/later", Shown.bytes("2"), 0);
        Shown.show("replayed or live", events.next().replace(root, ""));
        session.states.until(KeeperState.Disconnected);
        session.states.until(KeeperState.SyncConnected);
        Shown.show("same session", client.getSessionId() == id);
        Shown.show("its ephemeral", client.exists(root + "/lives", false).getEphemeralOwner() == id);
        Shown.show("its credentials", client.setData(root + "/own", null, 0).getVersion());
        writer.close();
    }

    private static void sessions(ZooKeeper client) throws Exception {
        Shown.Events first = new Shown.Events();
        Shown.Events second = new Shown.Events();
        Shown.Events events = new Shown.Events();
        ZooKeeper loser = connect(first);
        make(loser, "/of-session", "", CreateMode.EPHEMERAL);
        client.exists(root + "/of-session", events);
        byte[] wrong = loser.getSessionPasswd().clone();
        wrong[0] ^= 1;
        ZooKeeper stranger = new ZooKeeper(address, Shown.SESSION_MILLIS, second, loser.getSessionId(), wrong);
        Shown.show("wrong password", second.states.until(KeeperState.Expired));
        stranger.close();
        // The loser connects again and may get the session back before the
        // heir has closed it.
        boolean got = true;
        for (int i = 0; got; i++) {
            second = new Shown.Events();
            ZooKeeper heir =
                    new ZooKeeper(address, Shown.SESSION_MILLIS, second, loser.getSessionId(), loser.getSessionPasswd());
            got = second.gotSession();
            if (i == 0) {
                Shown.show("right password", got && heir.getSessionId() == loser.getSessionId());
            }
            heir.close();
        }
        Shown.show("event", events.next().replace(root, ""));
        Shown.show("the loser", first.states.until(KeeperState.Expired));
        loser.close();
        List<String> left = client.getChildren(root, false);
        Shown.show("left", String.join(" ", new TreeSet<>(left)).replaceAll("[^ -~]+", "?"));
    }
}
