import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.framework.recipes.atomic.DistributedAtomicLong;
import org.apache.curator.framework.recipes.barriers.DistributedDoubleBarrier;
import org.apache.curator.framework.recipes.cache.NodeCache;
import org.apache.curator.framework.recipes.cache.PathChildrenCache;
import org.apache.curator.framework.recipes.cache.TreeCache;
import org.apache.curator.framework.recipes.leader.LeaderLatch;
import org.apache.curator.framework.recipes.locks.InterProcessMutex;
import org.apache.curator.framework.recipes.locks.InterProcessReadWriteLock;
import org.apache.curator.framework.recipes.locks.InterProcessSemaphoreV2;
import org.apache.curator.framework.recipes.locks.Lease;
import org.apache.curator.framework.state.ConnectionState;
import org.apache.curator.retry.ExponentialBackoffRetry;
import org.apache.curator.retry.RetryForever;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;

/** Uses the recipes that Curator 2 and Curator 5 share. Arguments: a namespace, the server's address. */
public final class CuratorRecipes {
    public static void main(String[] arguments) throws Exception {
        CuratorFramework client = connect(arguments[0], arguments[1]);
        CuratorFramework other = connect(arguments[0], arguments[1]);
        operations(client);
        caches(client);
        locks(client, other);
        atomic(client);
        leader(client, other);
        restart(client);
        other.close();
        client.close();
        Shown.show("end", "reached");
        System.exit(0);
    }

    private static CuratorFramework connect(String namespace, String address) throws Exception {
        CuratorFramework client = CuratorFrameworkFactory.builder().connectString(address).namespace(namespace)
                .sessionTimeoutMs(Shown.SESSION_MILLIS).connectionTimeoutMs(Shown.SESSION_MILLIS)
                .retryPolicy(new RetryForever(200)).build();
        client.start();
        if (!client.blockUntilConnected((int) Shown.PATIENCE_SECONDS, TimeUnit.SECONDS)) {
            throw new IllegalStateException("not connected");
        }
        return client;
    }

    private static void operations(CuratorFramework client) throws Exception {
        Shown.show("create", client.create().creatingParentsIfNeeded().forPath("/crud/deep/a", Shown.bytes("one")));
        Shown.show("get", Shown.text(client.getData().forPath("/crud/deep/a")));
        Shown.show("set", client.setData().withVersion(0).forPath("/crud/deep/a", Shown.bytes("two")).getVersion());
        Shown.show("protected", client.create().withProtection().withMode(CreateMode.EPHEMERAL_SEQUENTIAL)
                .forPath("/crud/guarded-").replaceAll("_c_[0-9a-f-]{36}", "guid"));
        Shown.show("sequence", client.create().withMode(CreateMode.PERSISTENT_SEQUENTIAL).forPath("/crud/n-"));
        Shown.show("children", client.getChildren().forPath("/crud").size());
        Collection<?> results = client.inTransaction()
                .create().forPath("/crud/t", Shown.bytes("t")).and()
                .setData().forPath("/crud/t", Shown.bytes("tt")).and()
                .check().withVersion(1).forPath("/crud/t").and()
                .delete().forPath("/crud/t").and().commit();
        Shown.show("transaction", results.size());
        try {
            client.inTransaction().create().forPath("/crud/never").and()
                    .check().withVersion(9).forPath("/crud/deep").and().commit();
        } catch (KeeperException e) {
            Shown.show("failed transaction", e.code());
        }
        Shown.show("left of it", client.checkExists().forPath("/crud/never"));
        client.delete().guaranteed().deletingChildrenIfNeeded().forPath("/crud/deep");
        Shown.show("deleted", client.checkExists().forPath("/crud/deep"));
    }

    private static void caches(CuratorFramework client) throws Exception {
        client.create().creatingParentsIfNeeded().forPath("/cached/a", Shown.bytes("1"));
        Shown.Seen<String> seen = new Shown.Seen<>();
        PathChildrenCache children = new PathChildrenCache(client, "/cached", true);
        children.getListenable().addListener((c, event) -> {
            if (event.getData() != null) {
                seen.add(event.getType() + " " + event.getData().getPath() + " " + Shown.text(event.getData().getData()));
            }
        });
        children.start(PathChildrenCache.StartMode.POST_INITIALIZED_EVENT);
        Shown.show("PathChildrenCache", seen.next());
        Shown.Seen<String> whole = new Shown.Seen<>();
        TreeCache tree = TreeCache.newBuilder(client, "/cached").build();
        tree.getListenable().addListener((c, event) -> {
            String path = event.getData() == null ? "" : " " + event.getData().getPath();
            whole.add(event.getType() + path);
        });
        tree.start();
        whole.until("INITIALIZED");
        Shown.Seen<String> values = new Shown.Seen<>();
        NodeCache node = new NodeCache(client, "/cached/a");
        node.getListenable().addListener(() -> values.add(Shown.text(node.getCurrentData().getData())));
        node.start(true);
        client.setData().forPath("/cached/a", Shown.bytes("2"));
        Shown.show("PathChildrenCache", seen.next());
        Shown.show("TreeCache", whole.next());
        Shown.show("NodeCache", values.next());
        client.create().forPath("/cached/b", Shown.bytes("b"));
        Shown.show("PathChildrenCache", seen.next());
        Shown.show("TreeCache", whole.next());
        client.create().forPath("/cached/b/c");
        Shown.show("TreeCache", whole.next());
        client.delete().forPath("/cached/b/c");
        Shown.show("TreeCache", whole.next());
        client.delete().forPath("/cached/b");
        Shown.show("PathChildrenCache", seen.next());
        Shown.show("TreeCache", whole.next());
        Shown.show("current", children.getCurrentData().size() + " " + tree.getCurrentChildren("/cached").keySet());
        children.close();
        tree.close();
        node.close();
    }

    private static void locks(CuratorFramework client, CuratorFramework other) throws Exception {
        AtomicInteger inside = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        AtomicInteger rounds = new AtomicInteger();
        List<Thread> threads = new ArrayList<>();
        for (CuratorFramework c : new CuratorFramework[] {client, other, client}) {
            Thread thread = new Thread(() -> {
                InterProcessMutex mutex = new InterProcessMutex(c, "/mutex");
                try {
                    for (int i = 0; i < 10; i++) {
                        mutex.acquire();
                        most.accumulateAndGet(inside.incrementAndGet(), Math::max);
                        rounds.incrementAndGet();
                        inside.decrementAndGet();
                        mutex.release();
                    }
                } catch (Exception e) {
                    Shown.show("mutex failed", e);
                }
            });
            thread.start();
            threads.add(thread);
        }
        for (Thread thread : threads) {
            thread.join();
        }
        Shown.show("mutex", rounds + " rounds, at most " + most + " inside");
        InterProcessReadWriteLock lock = new InterProcessReadWriteLock(client, "/read-write");
        InterProcessReadWriteLock same = new InterProcessReadWriteLock(other, "/read-write");
        lock.readLock().acquire();
        Shown.show("second reader", same.readLock().acquire(Shown.PATIENCE_SECONDS, TimeUnit.SECONDS));
        Shown.show("writer", other(() -> same.writeLock().acquire(10, TimeUnit.MILLISECONDS)));
        lock.readLock().release();
        same.readLock().release();
        Shown.show("writer alone", same.writeLock().acquire(Shown.PATIENCE_SECONDS, TimeUnit.SECONDS));
        same.writeLock().release();
        InterProcessSemaphoreV2 semaphore = new InterProcessSemaphoreV2(client, "/semaphore", 2);
        Collection<Lease> leases = semaphore.acquire(2);
        Shown.show("third lease", semaphore.acquire(10, TimeUnit.MILLISECONDS));
        semaphore.returnAll(leases);
        Shown.show("lease afterwards", semaphore.acquire(Shown.PATIENCE_SECONDS, TimeUnit.SECONDS) != null);
        Shown.Seen<String> passed = new Shown.Seen<>();
        for (CuratorFramework c : new CuratorFramework[] {client, other}) {
            new Thread(() -> {
                try {
                    DistributedDoubleBarrier barrier = new DistributedDoubleBarrier(c, "/barrier", 2);
                    barrier.enter();
                    barrier.leave();
                    passed.add("passed");
                } catch (Exception e) {
                    passed.add(e.toString());
                }
            }).start();
        }
        Shown.show("double barrier", passed.next() + " " + passed.next());
    }

    /** Runs a call on a thread of its own: locks belong to threads. */
    private static Object other(java.util.concurrent.Callable<?> call) throws Exception {
        Shown.Seen<Object> result = new Shown.Seen<>();
        new Thread(() -> {
            try {
                result.add(call.call());
            } catch (Exception e) {
                result.add(e);
            }
        }).start();
        return result.next();
    }

    private static void atomic(CuratorFramework client) throws Exception {
        DistributedAtomicLong number =
                new DistributedAtomicLong(client, "/number", new ExponentialBackoffRetry(10, 10));
        for (int i = 0; i < 5; i++) {
            number.increment();
        }
        number.add(37L);
        Shown.show("atomic long", number.get().postValue());
    }

    private static void leader(CuratorFramework client, CuratorFramework other) throws Exception {
        LeaderLatch first = new LeaderLatch(client, "/leader", "first");
        first.start();
        first.await();
        LeaderLatch second = new LeaderLatch(other, "/leader", "second");
        second.start();
        while (first.getParticipants().size() < 2) {
            Thread.yield();
        }
        Shown.show("leader", first.getLeader().getId() + " " + second.hasLeadership());
        first.close();
        second.await();
        Shown.show("next leader", second.getLeader().getId());
        second.close();
    }

    /** The connection's state changes, ephemerals stay and a cache goes on. */
    private static void restart(CuratorFramework client) throws Exception {
        Shown.Seen<ConnectionState> states = new Shown.Seen<>();
        Shown.Seen<String> whole = new Shown.Seen<>();
        client.getConnectionStateListenable().addListener((c, state) -> states.add(state));
        client.create().withMode(CreateMode.EPHEMERAL).forPath("/lives");
        client.create().forPath("/after");
        TreeCache tree = TreeCache.newBuilder(client, "/after").build();
        tree.getListenable().addListener((c, event) ->
                whole.add(event.getType() + (event.getData() == null ? "" : " " + event.getData().getPath())));
        tree.start();
        whole.until("INITIALIZED");
        long session = client.getZookeeperClient().getZooKeeper().getSessionId();
        Shown.ask("restart");
        states.until(ConnectionState.SUSPENDED);
        Shown.show("state", states.until(ConnectionState.RECONNECTED));
        Shown.show("same session", client.checkExists().forPath("/lives").getEphemeralOwner() == session);
        client.create().forPath("/after/child");
        Shown.show("TreeCache", whole.until("NODE_ADDED /after/child"));
        tree.close();
    }
}
