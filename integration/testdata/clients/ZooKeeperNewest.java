import java.util.Arrays;
import java.util.List;
import java.util.TreeSet;
import org.apache.zookeeper.AddWatchMode;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.Op;
import org.apache.zookeeper.OpResult;
import org.apache.zookeeper.Watcher.Event.KeeperState;
import org.apache.zookeeper.Watcher.WatcherType;
import org.apache.zookeeper.ZooDefs.Ids;
import org.apache.zookeeper.ZooKeeper;
import org.apache.zookeeper.admin.ZooKeeperAdmin;
import org.apache.zookeeper.data.ClientInfo;
import org.apache.zookeeper.data.Stat;

/** Uses what ZooKeeper clients have got since 3.5. Argument: the server's address. */
public final class ZooKeeperNewest {
    public static void main(String[] arguments) throws Exception {
        Shown.Events session = new Shown.Events();
        ZooKeeper client = connect(arguments[0], session);
        operations(client);
        reads(client);
        watches(client);
        restart(client, session, arguments[0]);
        client.close();
        Shown.show("end", "reached");
        System.exit(0);
    }

    private static ZooKeeper connect(String address, Shown.Events session) throws Exception {
        ZooKeeper client = new ZooKeeperAdmin(address, Shown.SESSION_MILLIS, session);
        session.states.until(KeeperState.SyncConnected);
        return client;
    }

    private static String make(ZooKeeper client, String path, CreateMode mode) throws Exception {
        return client.create(path, Shown.bytes(path), Ids.OPEN_ACL_UNSAFE, mode);
    }

    private static void operations(ZooKeeper client) throws Exception {
        make(client, "/new", CreateMode.PERSISTENT);
        Stat stat = new Stat();
        client.create("/new/stat", Shown.bytes("123"), Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT, stat);
        Shown.show("create with stat", stat.getDataLength() + " " + (stat.getCzxid() == stat.getPzxid()));
        String path = client.create("/new/ttl", null, Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT_WITH_TTL, stat, 3_600_000);
        Shown.show("TTL", path + " " + stat.getEphemeralOwner());
        path = client.create(
                "/new/ttl-", null, Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT_SEQUENTIAL_WITH_TTL, stat, 3_600_000);
        Shown.show("TTL sequence", path);
        Shown.show("TTL of nothing", bad(() -> client.create(
                "/new/bad", null, Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT_WITH_TTL, null, 0)));
        Shown.show("container", client.create("/new/container", null, Ids.OPEN_ACL_UNSAFE, CreateMode.CONTAINER, stat));
        List<OpResult> results = client.multi(Arrays.asList(
                Op.create("/new/multi", null, Ids.OPEN_ACL_UNSAFE, CreateMode.CONTAINER),
                Op.create("/new/multi-ttl", null, Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT_WITH_TTL, 3_600_000),
                Op.create("/new/multi-stat", null, Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT)));
        Shown.show("multi", results.size() + " " + ((OpResult.CreateResult) results.get(2)).getPath());
        Shown.show("children number", client.getAllChildrenNumber("/new"));
        make(client, "/new/ephemeral", CreateMode.EPHEMERAL);
        make(client, "/ephemeral", CreateMode.EPHEMERAL);
        Shown.show("ephemerals", new TreeSet<>(client.getEphemerals()));
        Shown.show("ephemerals below", client.getEphemerals("/new"));
        client.addAuthInfo("digest", Shown.bytes("me:secret"));
        TreeSet<String> who = new TreeSet<>();
        for (ClientInfo info : client.whoAmI()) {
            who.add(info.getAuthScheme() + "=" + info.getUser());
        }
        Shown.show("whoAmI", who);
        client.sync("/new");
        Shown.show("config", client.getConfig(false, stat).length);
    }

    private static String bad(java.util.concurrent.Callable<?> call) throws Exception {
        try {
            return Shown.error(call);
        } catch (IllegalArgumentException e) {
            return "refused by the client";
        }
    }

    private static void reads(ZooKeeper client) throws Exception {
        List<OpResult> results = client.multi(Arrays.asList(
                Op.getData("/new"), Op.getChildren("/none"), Op.getChildren("/new/multi"), Op.getData("/new/stat")));
        Shown.show("multi of reads", Shown.text(((OpResult.GetDataResult) results.get(0)).getData())
                + " " + ((OpResult.ErrorResult) results.get(1)).getErr()
                + " " + ((OpResult.GetChildrenResult) results.get(2)).getChildren()
                + " " + ((OpResult.GetDataResult) results.get(3)).getStat().getDataLength());
    }

    private static void watches(ZooKeeper client) throws Exception {
        Shown.Events one = new Shown.Events();
        Shown.Events all = new Shown.Events();
        make(client, "/p", CreateMode.PERSISTENT);
        client.addWatch("/p", one, AddWatchMode.PERSISTENT);
        client.addWatch("/p", all, AddWatchMode.PERSISTENT_RECURSIVE);
        for (int i = 0; i < 2; i++) {
            client.setData("/p", null, -1);
            make(client, "/p/a", CreateMode.PERSISTENT);
            client.setData("/p/a", null, -1);
            client.delete("/p/a", -1);
        }
        for (int i = 0; i < 6; i++) {
            Shown.show("persistent", one.next());
        }
        for (int i = 0; i < 8; i++) {
            Shown.show("recursive", all.next());
        }
        client.removeWatches("/p", one, WatcherType.Any, false);
        Shown.show("removed", Shown.error(() -> {
            client.removeWatches("/p", one, WatcherType.Any, false);
            return null;
        }));
        client.removeAllWatches("/p", WatcherType.Any, false);
        client.setData("/p", null, -1);
        client.exists("/p", false);
        Shown.show("after the removal", all.until("PersistentWatchRemoved /p") + " " + all.isEmpty());
    }

    /** Persistent watches go on after the server, without a replay of what they missed. */
    private static void restart(ZooKeeper client, Shown.Events session, String address) throws Exception {
        Shown.Events all = new Shown.Events();
        client.addWatch("/new", all, AddWatchMode.PERSISTENT_RECURSIVE);
        long id = client.getSessionId();
        Shown.ask("restart");
        session.states.until(KeeperState.Disconnected);
        session.states.until(KeeperState.SyncConnected);
        // Behind this read the watch is set again.
        client.exists("/new", false);
        ZooKeeper writer = connect(address, new Shown.Events());
        make(writer, "/new/container/a", CreateMode.PERSISTENT);
        writer.setData("/new/container/a", null, 0);
        writer.close();
        Shown.show("recursive after the restart", all.next() + ", " + all.next());
        Shown.show("same session", client.getSessionId() == id);
        Shown.show("ephemerals", new TreeSet<>(client.getEphemerals()));
    }
}
