import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.Callable;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.WatchedEvent;
import org.apache.zookeeper.Watcher;

/** What the client programs print: "name: value" lines, and questions to the test that runs them. */
final class Shown {
    static final long PATIENCE_SECONDS = 60;
    static final int SESSION_MILLIS = 60_000;

    private static final BufferedReader INPUT =
            new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));

    private Shown() {}

    static void show(String name, Object value) {
        System.out.println(name + ": " + value);
        System.out.flush();
    }

    static void ask(String question) throws Exception {
        System.out.println("? " + question);
        System.out.flush();
        INPUT.readLine();
    }

    /** The code of the error that a call ends with. */
    static String error(Callable<?> call) throws Exception {
        try {
            return "no error but " + call.call();
        } catch (KeeperException e) {
            return e.code().toString();
        }
    }

    static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    static String text(byte[] data) {
        return data == null ? "null" : new String(data, StandardCharsets.UTF_8);
    }

    /** What a callback was given, in order. */
    static class Seen<T> {
        private final LinkedBlockingQueue<T> items = new LinkedBlockingQueue<>();

        void add(T item) {
            items.add(item);
        }

        T next() throws InterruptedException {
            T item = items.poll(PATIENCE_SECONDS, TimeUnit.SECONDS);
            if (item == null) {
                throw new IllegalStateException("nothing came");
            }
            return item;
        }

        T until(T wanted) throws InterruptedException {
            for (T item = next(); ; item = next()) {
                if (item.equals(wanted)) {
                    return item;
                }
            }
        }

        boolean isEmpty() {
            return items.isEmpty();
        }
    }

    /** A watcher that keeps events of znodes apart from those of the session. */
    static final class Events extends Seen<String> implements Watcher {
        final Seen<Event.KeeperState> states = new Seen<>();

        /** Whether a client that takes over a session got it; false: the session has ended. */
        boolean gotSession() throws InterruptedException {
            for (Event.KeeperState state = states.next(); ; state = states.next()) {
                if (state == Event.KeeperState.SyncConnected || state == Event.KeeperState.Expired) {
                    return state == Event.KeeperState.SyncConnected;
                }
            }
        }

        @Override
        public void process(WatchedEvent event) {
            if (event.getType() == Event.EventType.None) {
                states.add(event.getState());
            } else {
                add(event.getType() + " " + event.getPath());
            }
        }
    }
}
