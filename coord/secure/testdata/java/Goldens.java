import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.Map;
import javax.security.auth.callback.*;
import javax.security.auth.x500.X500Principal;
import javax.security.sasl.*;

/** Prints what the JDK's SASL and X.500 classes say, for ../digest.txt and ../names.txt: see ../regenerate.sh. */
public class Goldens {
    static final String[][] CONVERSATIONS = {
        {"zookeeper", "zk-sasl-md5", "bob", "bobsecret"},
        {"zookeeper", "zk-sasl-md5", "super", "a \"quoted\" \\ secret"},
        {"zookeeper", "zk-sasl-md5", "j\u00fcrgen", "gr\u00fc\u00dfe"},
        {"zookeeper", "zk-sasl-md5", "\u043a\u0430\u0444\u043a\u0430", "\u043f\u0430\u0440\u043e\u043b\u044c"},
        {"zookeeper-quorum", "zk-quorum-sasl-md5", "learner", "zkpeers"},
    };

    static final String[] NAMES = {
        "CN=client1, OU=dev, O=Acme, C=US",
        "CN=a+OU=b, O=c",
        "CN=\"Duke, the one\", O=\"x+y=z;<>\"",
        "CN=\\ lead and trail\\ ",
        "CN=\\#hash, O=a\\\\b",
        "CN=\"say \\\"hi\\\"\"",
        "EMAILADDRESS=duke@example.com, CN=duke",
        "CN=host, DC=example, DC=com, UID=42, STREET=Main 1, ST=Bavaria, L=M\u00fcnchen",
        "CN=\u043a\u0430\u0444\u043a\u0430 \ud83d\ude00",
        "SERIALNUMBER=7, T=boss, GIVENNAME=Al, SURNAME=B, CN=x",
        "1.2.3.4=custom, CN=x",
        "",
    };

    /** DER: Latin-1 text in a T61String, a BMPString, a number in place of a text, a zero character. */
    static final String[] RAW = {
        "300f310d300b06035504031404616263fc",
        "300f310d300b06035504031e0400610062",
        "300e310c300a06035504030203010203",
        "300f310d300b06035504030c0461006263",
        "300f310d300b06035504030c040d616220",
    };

    static class Handler implements CallbackHandler {
        final String user, password;
        Handler(String user, String password) { this.user = user; this.password = password; }
        public void handle(Callback[] callbacks) {
            for (Callback c : callbacks) {
                if (c instanceof NameCallback n) n.setName(n.getDefaultName() == null ? user : n.getDefaultName());
                else if (c instanceof PasswordCallback p) p.setPassword(password.toCharArray());
                else if (c instanceof RealmCallback r) r.setText(r.getDefaultText());
                else if (c instanceof AuthorizeCallback a) { a.setAuthorized(true); a.setAuthorizedID(a.getAuthorizationID()); }
            }
        }
    }

    public static void main(String[] args) throws Exception {
        System.setOut(new java.io.PrintStream(System.out, true, StandardCharsets.UTF_8));
        HexFormat hex = HexFormat.of();
        if (args[0].equals("names")) {
            for (String name : NAMES) print(new X500Principal(name), hex);
            for (String raw : RAW) print(new X500Principal(hex.parseHex(raw)), hex);
            return;
        }
        for (String[] c : CONVERSATIONS) {
            Handler handler = new Handler(c[2], c[3]);
            SaslClient client = Sasl.createSaslClient(new String[] {"DIGEST-MD5"}, c[2], c[0], c[1], Map.of(), handler);
            SaslServer server = Sasl.createSaslServer("DIGEST-MD5", c[0], c[1], Map.of(), handler);
            byte[] challenge = server.evaluateResponse(new byte[0]);
            byte[] response = client.evaluateChallenge(challenge);
            byte[] proof = server.evaluateResponse(response);
            client.evaluateChallenge(proof);
            if (!client.isComplete() || !server.isComplete()) throw new IllegalStateException();
            for (byte[] line : new byte[][] {c[0].getBytes(), c[2].getBytes("UTF-8"), c[3].getBytes("UTF-8"), challenge, response, proof})
                System.out.println(hex.formatHex(line));
        }
    }

    static void print(X500Principal p, HexFormat hex) throws Exception {
        System.out.println(hex.formatHex(p.getEncoded()) + " " + hex.formatHex(p.getName().getBytes("UTF-8")));
    }
}
