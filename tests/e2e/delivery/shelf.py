"""A server that delivers what is stored: at the root, and below /cdn-cgi/imagedelivery/."""
import base64
import contextlib
import hashlib
import hmac
import time

import account
import pictures
from hosted import Images

LOWER = "/cdn-cgi/imagedelivery"
PHOTO = pictures.photo(320, 240)
OTHER = pictures.quadrants(64, 32)
CONNECTIONS = 12  # enough that every loop gets some


def hash_of(account_id):
    """How the account is called in public."""
    digest = hashlib.sha256(b"images of account " + account_id.encode()).digest()
    return base64.urlsafe_b64encode(digest)[:22].decode()


def signed(path, key, exp=None):
    """As Cloudflare says that links are signed."""
    text = f"{path}?exp={exp or int(time.time()) + 600}"
    return f"{text}&sig={hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()}"


class Shelf:
    def __init__(self, server):
        self.server, self.images = server, Images(server.client)
        self.hash = hash_of(server.client.account)

    def path(self, picture, what="public", below=""):
        return f"{below}/{self.hash}/{picture}/{what}"

    def ask(self, picture, what="public", below="", **more):
        return self.server.ask(self.path(picture, what, below), **more)

    def store(self, data=PHOTO, **fields):
        """Returns its id."""
        return self.images.upload(data, **fields).result["id"]

    def everywhere(self, target):
        """The replies of every loop."""
        return [self.server.ask(target) for _ in range(CONNECTIONS)]


@contextlib.contextmanager
def serve(routes=(), **settings):
    delivery = {"imagedelivery": {}}
    own = [{"path": "/", **delivery}, {"path": LOWER + "/", **delivery},
           {"path": "/cdn-cgi/image/", "images": {}}, *routes]
    with account.serve(sites=[{"hosts": ["*"], "routes": own}], **settings) as server:
        server.shelf = Shelf(server)
        yield server
