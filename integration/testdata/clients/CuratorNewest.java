import java.util.List;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.framework.api.transaction.CuratorTransactionResult;
import org.apache.curator.framework.recipes.cache.CuratorCache;
import org.apache.curator.framework.recipes.cache.CuratorCacheListener;
import org.apache.curator.framework.recipes.nodes.GroupMember;
import org.apache.curator.framework.recipes.nodes.PersistentNode;
import org.apache.curator.framework.recipes.nodes.PersistentTtlNode;
import org.apache.curator.framework.recipes.watch.PersistentWatcher;
import org.apache.curator.framework.state.ConnectionState;
import org.apache.curator.retry.RetryForever;
import org.apache.zookeeper.AddWatchMode;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.WatchedEvent;

/** Uses what only Curator 5 has. Argument: the server's address. */
public final class CuratorNewest {
    public static void main(String[] arguments) throws Exception {
        CuratorFramework client = CuratorFrameworkFactory.builder().connectString(arguments[0]).namespace("newest")
                .sessionTimeoutMs(Shown.SESSION_MILLIS).connectionTimeoutMs(Shown.SESSION_MILLIS)
                .retryPolicy(new RetryForever(200)).build();
        client.start();
        if (!client.blockUntilConnected((int) Shown.PATIENCE_SECONDS, TimeUnit.SECONDS)) {
            throw new IllegalStateException("not connected");
        }
        operations(client);
        watches(client);
        nodes(client);
        cache(client);
        client.close();
        Shown.show("end", "reached");
        System.exit(0);
    }

    private static void operations(CuratorFramework client) throws Exception {
        Shown.show("container parents", client.create().creatingParentContainersIfNeeded().forPath("/container/a/b"));
        Shown.show("TTL", client.create().withTtl(3_600_000).withMode(CreateMode.PERSISTENT_WITH_TTL).forPath("/ttl"));
        Shown.show("or set", client.create().orSetData().forPath("/ttl", Shown.bytes("set")));
        for (int i = 0; i < 2; i++) {
            Shown.show("idempotent", client.create().idempotent().forPath("/same", Shown.bytes("same")));
        }
        List<CuratorTransactionResult> results = client.transaction().forOperations(
                client.transactionOp().create().withMode(CreateMode.CONTAINER).forPath("/t"),
                client.transactionOp().create().withTtl(3_600_000).withMode(CreateMode.PERSISTENT_WITH_TTL).forPath("/t-ttl"),
                client.transactionOp().setData().forPath("/t", Shown.bytes("1")),
                client.transactionOp().check().withVersion(1).forPath("/t"),
                client.transactionOp().delete().forPath("/t-ttl"));
        Shown.show("transaction", results.size() + " " + results.get(1).getForPath());
        Shown.show("delete quietly", client.delete().quietly().forPath("/none"));
    }

    private static void watches(CuratorFramework client) throws Exception {
        Shown.Seen<String> seen = new Shown.Seen<>();
        client.create().forPath("/watched");
        PersistentWatcher watcher = new PersistentWatcher(client, "/watched", true);
        watcher.getListenable().addListener(event -> seen.add(described(event)));
        watcher.start();
        Shown.Seen<String> direct = new Shown.Seen<>();
        client.watchers().add().withMode(AddWatchMode.PERSISTENT)
                .usingWatcher((org.apache.zookeeper.Watcher) event -> direct.add(described(event))).forPath("/watched");
        // The watcher is set in the background.
        client.sync().forPath("/watched");
        client.create().forPath("/watched/a");
        client.setData().forPath("/watched/a", Shown.bytes("1"));
        client.delete().forPath("/watched/a");
        for (int i = 0; i < 3; i++) {
            Shown.show("PersistentWatcher", seen.next());
        }
        Shown.show("watchers().add()", direct.next() + ", " + direct.next());
        watcher.close();
        client.watchers().removeAll().forPath("/watched");
    }

    private static String described(WatchedEvent event) {
        return event.getType() + " " + event.getPath();
    }

    private static void nodes(CuratorFramework client) throws Exception {
        PersistentNode node = new PersistentNode(client, CreateMode.EPHEMERAL, false, "/node", Shown.bytes("here"));
        node.start();
        Shown.show("PersistentNode", node.waitForInitialCreate(Shown.PATIENCE_SECONDS, TimeUnit.SECONDS));
        node.close();
        PersistentTtlNode kept = new PersistentTtlNode(client, "/kept", 3_600_000, Shown.bytes("here"));
        kept.start();
        Shown.show("PersistentTtlNode", kept.waitForInitialCreate(Shown.PATIENCE_SECONDS, TimeUnit.SECONDS));
        kept.close();
        GroupMember member = new GroupMember(client, "/group", "me", Shown.bytes("data"));
        member.start();
        while (member.getCurrentMembers().isEmpty() || client.checkExists().forPath("/group/me") == null) {
            Thread.yield();
        }
        Shown.show("GroupMember", new TreeSet<>(member.getCurrentMembers().keySet()));
        member.close();
    }

    private static void cache(CuratorFramework client) throws Exception {
        Shown.Seen<String> seen = new Shown.Seen<>();
        Shown.Seen<String> ready = new Shown.Seen<>();
        Shown.Seen<ConnectionState> states = new Shown.Seen<>();
        client.getConnectionStateListenable().addListener((c, state) -> states.add(state));
        client.create().forPath("/cache", Shown.bytes("0"));
        client.create().forPath("/cache/a", Shown.bytes("0"));
        CuratorCache cache = CuratorCache.build(client, "/cache");
        cache.listenable().addListener(CuratorCacheListener.builder()
                .forCreates(data -> seen.add("created " + data.getPath()))
                .forChanges((old, data) -> seen.add("changed " + data.getPath() + " to " + Shown.text(data.getData())))
                .forDeletes(data -> seen.add("deleted " + data.getPath()))
                .forInitialized(() -> ready.add("initialized")).build());
        cache.start();
        ready.next();
        Shown.show("CuratorCache", new TreeSet<>(List.of(seen.next(), seen.next())));
        client.setData().forPath("/cache/a", Shown.bytes("1"));
        Shown.show("CuratorCache", seen.next());
        client.create().forPath("/cache/a/b", Shown.bytes("2"));
        Shown.show("CuratorCache", seen.next());
        client.delete().forPath("/cache/a/b");
        Shown.show("CuratorCache", seen.next());
        Shown.ask("restart");
        states.until(ConnectionState.SUSPENDED);
        states.until(ConnectionState.RECONNECTED);
        client.setData().forPath("/cache/a", Shown.bytes("3"));
        Shown.show("CuratorCache after the restart", seen.until("changed /cache/a to 3"));
        Shown.show("size", cache.size());
        cache.close();
    }
}
