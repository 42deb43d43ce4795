#!/bin/sh
# Makes the files of this directory anew. It needs a JDK 17 and OpenSSL 3; their
# outcome differs from run to run (keys, nonces) and the tests hold for any.
set -eu
cd "$(dirname "$0")"
java java/Goldens.java digest >digest.txt
java java/Goldens.java names >names.txt

rm -f ca.pem server.* trust.*
common="-noprompt -storepass changeit"
years="-validity 36500"
keytool -genkeypair -alias ca -keystore authority.tmp -storetype PKCS12 $common $years -keyalg EC -groupname secp256r1 \
    -dname "CN=Test CA,O=Acme" -ext bc:c -ext ku=keyCertSign 2>/dev/null
keytool -exportcert -rfc -alias ca -keystore authority.tmp $common >ca.pem 2>/dev/null
for kind in JKS PKCS12; do
    file=server.$(echo $kind | tr A-Z a-z)
    keytool -genkeypair -alias server -keystore $file -storetype $kind $common -keypass changeit $years -keyalg RSA -keysize 2048 \
        -dname "CN=server,OU=dev,O=Acme,C=US" 2>/dev/null
    keytool -certreq -alias server -keystore $file -storetype $kind $common 2>/dev/null |
        keytool -gencert -alias ca -keystore authority.tmp $common $years -rfc -ext san=dns:localhost,ip:127.0.0.1 \
            -ext eku=serverAuth,clientAuth 2>/dev/null >server.tmp
    cat server.tmp ca.pem >reply.tmp
    keytool -importcert -alias server -keystore $file -storetype $kind $common -keypass changeit -file reply.tmp 2>/dev/null
    keytool -importcert -alias ca -keystore trust.${file#server.} -storetype $kind $common -file ca.pem 2>/dev/null
done
openssl pkcs12 -in server.pkcs12 -passin pass:changeit -nodes -out plain.tmp 2>/dev/null
{
    openssl pkey -in plain.tmp | openssl pkcs8 -topk8 -v2 aes-256-cbc -passout pass:changeit
    openssl x509 -in plain.tmp
    cat ca.pem
} >server.pem
rm -f *.tmp
