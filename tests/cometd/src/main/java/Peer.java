import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.lang.reflect.Field;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.cometd.bayeux.Promise;
import org.cometd.bayeux.server.BayeuxServer;
import org.cometd.bayeux.server.ConfigurableServerChannel;
import org.cometd.bayeux.server.ServerChannel;
import org.cometd.bayeux.server.ServerSession;
import org.cometd.server.BayeuxServerImpl;
import org.cometd.server.ServerSessionImpl;
import org.cometd.server.ext.AcknowledgedMessagesExtension;
import org.cometd.server.http.AbstractHttpScheduler;
import org.cometd.server.http.JSONHttpTransport;
import org.cometd.server.http.jakarta.CometDServlet;
import org.cometd.server.websocket.jetty.JettyWebSocketTransport;
import org.eclipse.jetty.ee10.servlet.ServletContextHandler;
import org.eclipse.jetty.ee10.servlet.ServletHolder;
import org.eclipse.jetty.server.Context;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.util.ajax.JSON;
import org.eclipse.jetty.websocket.server.WebSocketUpgradeHandler;

/**
 * A CometD server with the acknowledgement extension, driven by lines on standard input and ended by the end of it.
 * Its first line tells the port; from then on each command is answered by one line. scripts/cometd describes both.
 */
public final class Peer {
    private final BayeuxServerImpl bayeux = new BayeuxServerImpl();
    private final Map<String, Long> published = new HashMap<>();

    public static void main(String[] options) throws Exception {
        Peer peer = new Peer();
        int port = peer.start(options);
        System.out.println("listening on http://127.0.0.1:" + port + PATH);
        BufferedReader commands = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = commands.readLine(); line != null; line = commands.readLine()) {
            System.out.println(peer.answer(line.split(" ", 3)));
        }
        // Sessions and threads are of no interest any more.
        Runtime.getRuntime().halt(0);
    }

    private int start(String[] options) throws Exception {
        Server server = new Server();
        ServerConnector connector = new ServerConnector(server, 1, 1);
        connector.setHost("127.0.0.1");
        server.addConnector(connector);
        ServletContextHandler context = new ServletContextHandler("/");
        server.setHandler(context);
        context.insertHandler(WebSocketUpgradeHandler.from(server, context));

        bayeux.setOption("cometdURLMapping", PATH + "/*");
        bayeux.setOption(Context.class.getName(), context.getContext());
        bayeux.setOption(BayeuxServerImpl.SWEEP_PERIOD_OPTION, "50");
        for (String option : options) {
            String[] parts = option.split("=", 2);
            if (parts.length != 2) {
                throw new IllegalArgumentException("not NAME=VALUE: " + option);
            }
            bayeux.setOption(parts[0], parts[1]);
        }
        bayeux.setTransports(new JettyWebSocketTransport(bayeux), new JSONHttpTransport(bayeux));
        bayeux.setAllowedTransports("websocket", "long-polling");
        bayeux.addExtension(new AcknowledgedMessagesExtension());
        context.setAttribute(BayeuxServer.ATTRIBUTE, bayeux);
        ServletHolder servlet = new ServletHolder(CometDServlet.class);
        servlet.setInitOrder(1);
        servlet.setAsyncSupported(true);
        context.addServlet(servlet, PATH + "/*");
        server.start();
        bayeux.start();
        return connector.getLocalPort();
    }

    private String answer(String[] command) {
        try {
            return switch (command[0]) {
                case "publish" -> publish(command[1], command[2]);
                case "publish-many" -> publishMany(command[1], Long.parseLong(command[2]));
                case "remove-sessions" -> each(session -> bayeux.removeServerSession(session, true));
                case "disconnect-sessions" -> each(ServerSession::disconnect);
                case "sessions" -> "ok " + bayeux.getSessions().size();
                case "held" -> "ok " + bayeux.getSessions().stream().filter(Peer::isHeld).count();
                default -> "error: no such command: " + command[0];
            };
        } catch (RuntimeException error) {
            return "error: " + String.valueOf(error).replace('\n', ' ');
        }
    }

    /** The text goes out as it came: no number of it is parsed. */
    private String publish(String channel, String json) {
        channel(channel).publish(null, new JSON.Literal(json), Promise.noop());
        return "ok 1";
    }

    private String publishMany(String channel, long count) {
        ServerChannel to = channel(channel);
        for (long left = count; left > 0; left--) {
            long number = published.merge(channel, 1L, Long::sum);
            to.publish(null, Map.of("number", number), Promise.noop());
        }
        return "ok " + count;
    }

    private ServerChannel channel(String name) {
        return bayeux.createChannelIfAbsent(name, new ConfigurableServerChannel.Initializer.Persistent()).getReference();
    }

    private String each(Consumer<ServerSession> end) {
        List<ServerSession> sessions = bayeux.getSessions();
        sessions.forEach(end);
        return "ok " + sessions.size();
    }

    /** The server tells nobody, and a test cannot know otherwise that its request has arrived. */
    private static boolean isHeld(ServerSession session) {
        try {
            Field scheduler = ServerSessionImpl.class.getDeclaredField("_scheduler");
            scheduler.setAccessible(true);
            if (!(scheduler.get(session) instanceof AbstractHttpScheduler last)) {
                return false;
            }
            // The last connect's scheduler stays; only the task that ends its hold goes.
            Field task = AbstractHttpScheduler.class.getDeclaredField("task");
            task.setAccessible(true);
            return ((AtomicReference<?>) task.get(last)).get() != null;
        } catch (ReflectiveOperationException error) {
            throw new IllegalStateException(error);
        }
    }

    private static final String PATH = "/cometd";
}
