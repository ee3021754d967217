"""Certificates that openssl makes: self-signed, on P-256, valid for a day."""
import re
import ssl
import subprocess


def make(folder, file, *names):
    """Write <file>.pem and <file>.key for these names or addresses. Returns them as settings."""
    certificate, key = folder / f"{file}.pem", folder / f"{file}.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-days", "1", "-subj", f"/CN={names[0]}", "-keyout", f"{key}.new", "-out",
         f"{certificate}.new", "-addext",
         "subjectAltName=" + ",".join(
             ("IP:" if re.fullmatch(r"[0-9.]+", name) else "DNS:") + name for name in names)],
        check=True, capture_output=True)
    (folder / f"{file}.key.new").rename(key)
    (folder / f"{file}.pem.new").rename(certificate)
    return {"certificate": str(certificate), "key": str(key)}


def client(*trusted, alpn=("http/1.1",), least=None, most=None):
    """What a client has that trusts these certificate files; none: any."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if trusted:
        for path in trusted:
            context.load_verify_locations(path)
    else:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if alpn:
        context.set_alpn_protocols(list(alpn))
    if least:
        context.minimum_version = least
    if most:
        context.maximum_version = most
    return context
