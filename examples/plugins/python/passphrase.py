#!/usr/bin/env python3
"""A secrets engine in Python: passphrases that are leased, kept in the storage of the host, and forgotten when revoked.

It speaks the plugin protocol by itself, with grpcio, protobuf and cryptography alone, so that it can be read as an
example for any language. Its first argument is the folder with portcullis' .proto files.

    config          write, read    how many words, and what stands between them
    issue/NAME      read           a new passphrase for NAME, leased; ends when its lease is revoked
    issued/         list           the passphrases that live
"""

import base64
import datetime
import json
import os
import re
import secrets
import sys
import tempfile
import threading
from concurrent import futures

if os.environ.get('VAULT_BACKEND_PLUGIN') != '6669da05-b1c8-4f49-97d9-c8e5bed98e20':
    sys.exit('this is a plugin: a plugin host starts it, nobody by hand')

# Whatever a library prints must not come before the handshake line, so the real stdout is set aside first.
handshake_out = os.fdopen(os.dup(1), 'w')
os.dup2(2, 1)

sys.path.insert(0, sys.argv[1])

import grpc  # noqa: E402
from cryptography import x509  # noqa: E402
from cryptography.hazmat.primitives import hashes, serialization  # noqa: E402
from cryptography.hazmat.primitives.asymmetric import ec  # noqa: E402

pb, pb_services = grpc.protos_and_services('backend.proto')
storage_pb, storage_services = grpc.protos_and_services('storage.proto')
broker_pb, broker_services = grpc.protos_and_services('plugin.proto')
logical_pb, logical_services = grpc.protos_and_services('logical.proto')
multiplexing_pb, multiplexing_services = grpc.protos_and_services('multiplexing.proto')
health_pb, health_services = grpc.protos_and_services('health.proto')

VERSION = 'v0.1.0'
WORDS = 'amber birch cedar delta ember fjord grove heron inlet jetty kelp lotus maple north otter pearl quill raven'.split()
UNSUPPORTED_OPERATION, UNSUPPORTED_PATH = 5, 6


def log(level, message, **fields):
    """One line of hclog JSON on stderr: six digits of a second, strings where strings must be."""
    now = datetime.datetime.now(datetime.timezone.utc).strftime('%Y-%m-%dT%H:%M:%S.%fZ')
    print(json.dumps({'@level': level, '@message': message, '@timestamp': now, **fields}), file=sys.stderr, flush=True)


class Certificate:
    """A certificate of this process, signed by itself; the handshake carries it to the host."""

    def __init__(self):
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, 'localhost')])
        now = datetime.datetime.now(datetime.timezone.utc)
        cert = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(seconds=30))
            .not_valid_after(now + datetime.timedelta(days=3650))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName('localhost')]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        self.pem = cert.public_bytes(serialization.Encoding.PEM)
        self.der = cert.public_bytes(serialization.Encoding.DER)
        self.key = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )


class Broker(broker_services.GRPCBrokerServicer):
    """Hears where the host serves storage, and hands that to the Setup that asks for it."""

    def __init__(self):
        self.offers = {}
        self.changed = threading.Condition()

    def StartStream(self, requests, context):
        for offer in requests:
            with self.changed:
                self.offers[offer.service_id] = offer
                self.changed.notify_all()
        # The host has gone: no plugin outlives its host.
        os._exit(0)
        yield

    def wait(self, service_id):
        with self.changed:
            if not self.changed.wait_for(lambda: service_id in self.offers, timeout=5):
                raise TimeoutError('timeout waiting for connection info')
            return self.offers.pop(service_id)


class Storage:
    """What the host keeps for one mount. Values are JSON."""

    def __init__(self, channel):
        self.channel = channel
        self.stub = storage_services.StorageStub(channel)

    def get(self, key):
        reply = self.checked(self.stub.Get(storage_pb.StorageGetArgs(key=key)))
        return json.loads(reply.entry.value) if reply.HasField('entry') else None

    def put(self, key, value):
        entry = storage_pb.StorageEntry(key=key, value=json.dumps(value).encode())
        self.checked(self.stub.Put(storage_pb.StoragePutArgs(entry=entry)))

    def delete(self, key):
        self.checked(self.stub.Delete(storage_pb.StorageDeleteArgs(key=key)))

    def list(self, prefix):
        return list(self.checked(self.stub.List(storage_pb.StorageListArgs(prefix=prefix))).keys)

    @staticmethod
    def checked(reply):
        if reply.err:
            raise RuntimeError(reply.err)
        return reply


def answer(data, **fields):
    """`data` is JSON text, and always valid."""
    return pb.HandleRequestReply(response=pb.Response(data=json.dumps(data), **fields))


def error_response(text):
    return answer({'error': text})


def failure(kind, text=''):
    return pb.HandleRequestReply(err=pb.ProtoError(err_type=kind, err_msg=text))


class Engine:
    """One mount."""

    NAME = re.compile(r'^issue/([\w-]{1,64})$')

    def __init__(self, storage):
        self.storage = storage

    def handle(self, request):
        data = json.loads(request.data) or {}
        operation, path = request.operation, request.path
        if operation == 'help':
            return answer({'help': __doc__, 'see_also': None})
        if operation in ('renew', 'revoke'):
            return self.renew(request) if operation == 'renew' else self.revoke(request)
        if operation == 'rollback':
            return pb.HandleRequestReply()
        if path == 'config':
            return self.config(operation, data)
        if path == 'issued/' and operation == 'list':
            return answer({'keys': self.storage.list('issued/')})
        named = self.NAME.match(path)
        if named is None:
            return failure(UNSUPPORTED_PATH)
        return self.issue(named.group(1)) if operation == 'read' else failure(UNSUPPORTED_OPERATION)

    def settings(self):
        return self.storage.get('config') or {'words': 4, 'separator': '-', 'ttl': 60}

    def config(self, operation, data):
        if operation == 'read':
            return answer(self.settings())
        if operation not in ('create', 'update'):
            return failure(UNSUPPORTED_OPERATION)
        settings = {**self.settings(), **{k: v for k, v in data.items() if k in ('words', 'separator', 'ttl')}}
        if not isinstance(settings['words'], int) or not 2 <= settings['words'] <= 16:
            return error_response('words must be a whole number from 2 to 16')
        if not isinstance(settings['ttl'], int) or not 1 <= settings['ttl'] <= 86400:
            return error_response('ttl must be seconds, from 1 to 86400')
        if not isinstance(settings['separator'], str) or len(settings['separator']) > 8:
            return error_response('separator must be at most 8 characters')
        self.storage.put('config', settings)
        return pb.HandleRequestReply()

    def issue(self, name):
        settings = self.settings()
        identity = f'{name}-{secrets.token_hex(6)}'
        phrase = settings['separator'].join(secrets.choice(WORDS) for _ in range(settings['words']))
        # What is kept is who has one, never the passphrase.
        self.storage.put(f'issued/{identity}', {'name': name})
        secret = self.secret(settings['ttl'], {'id': identity, 'secret_type': 'passphrase'})
        return answer({'name': name, 'passphrase': phrase}, secret=secret)

    @staticmethod
    def secret(ttl, internal, issued=None):
        options = pb.LeaseOptions(TTL=ttl * 10**9, renewable=True)
        # Must be there whenever lease options are; the host knows the time of issue better.
        options.issue_time.CopyFrom(issued) if issued else options.issue_time.FromSeconds(0)
        return pb.Secret(lease_options=options, internal_data=json.dumps(internal))

    def renew(self, request):
        internal = json.loads(request.secret.internal_data)
        if self.storage.get(f"issued/{internal['id']}") is None:
            return error_response('that passphrase is gone')
        issued = request.secret.lease_options.issue_time
        return answer(None, secret=self.secret(self.settings()['ttl'], internal, issued))

    def revoke(self, request):
        internal = json.loads(request.secret.internal_data)
        # Gone already is as good.
        self.storage.delete(f"issued/{internal['id']}")
        return pb.HandleRequestReply()

    def exists(self, request):
        found = request.path == 'config'
        return found, found and self.storage.get('config') is not None


class Backend(pb_services.BackendServicer):
    """All mounts of this process, told apart by the `multiplex_id` that comes with each call."""

    def __init__(self, broker, credentials):
        self.broker = broker
        self.credentials = credentials
        self.engines = {}

    @staticmethod
    def instance(context):
        return dict(context.invocation_metadata()).get('multiplex_id', '')

    def engine(self, context):
        engine = self.engines.get(self.instance(context))
        if engine is None:
            context.abort(grpc.StatusCode.UNKNOWN, 'no backend instance found')
        return engine

    def Setup(self, request, context):
        try:
            offer = self.broker.wait(request.broker_id)
            options = (('grpc.ssl_target_name_override', 'localhost'), ('grpc.default_authority', 'localhost'))
            target = f'unix:{offer.address}' if offer.network == 'unix' else offer.address
            if self.credentials:
                channel = grpc.secure_channel(target, self.credentials, options)
            else:
                channel = grpc.insecure_channel(target, options)
            self.engines[self.instance(context)] = Engine(Storage(channel))
            return pb.SetupReply()
        except Exception as error:  # noqa: BLE001 - it is told to the host
            return pb.SetupReply(err=str(error))

    def Type(self, request, context):
        return pb.TypeReply(type=1)

    def SpecialPaths(self, request, context):
        return pb.SpecialPathsReply(paths=pb.Paths(root=['config']))

    def Initialize(self, request, context):
        return pb.InitializeReply()

    def HandleExistenceCheck(self, request, context):
        found, exists = self.engine(context).exists(request.request)
        return pb.HandleExistenceCheckReply(check_found=found, exists=exists)

    def HandleRequest(self, request, context):
        engine = self.engine(context)
        try:
            return engine.handle(request.request)
        except Exception as error:  # noqa: BLE001 - an answer, not a crash
            log('error', 'a request failed', kind=type(error).__name__)
            return failure(0, 'internal error')

    def InvalidateKey(self, request, context):
        return pb.Empty()

    def Cleanup(self, request, context):
        engine = self.engines.pop(self.instance(context), None)
        if engine is not None:
            engine.storage.channel.close()
        return pb.Empty()


class Controller(broker_services.GRPCControllerServicer):
    def Shutdown(self, request, context):
        threading.Timer(0.1, lambda: os._exit(0)).start()
        return broker_pb.Empty()


class PluginVersion(logical_services.PluginVersionServicer):
    def Version(self, request, context):
        return logical_pb.VersionReply(plugin_version=VERSION)


class Multiplexing(multiplexing_services.PluginMultiplexingServicer):
    def MultiplexingSupport(self, request, context):
        return multiplexing_pb.MultiplexingSupportResponse(supported=True)


class Health(health_services.HealthServicer):
    def Check(self, request, context):
        return health_pb.HealthCheckResponse(status=1)


def main():
    if '5' not in os.environ.get('PLUGIN_PROTOCOL_VERSIONS', '').split(','):
        sys.exit('this plugin speaks protocol version 5 alone')
    host = os.environ.get('PLUGIN_CLIENT_CERT', '').encode()
    own = Certificate() if host else None
    credentials = grpc.ssl_channel_credentials(host, own.key, own.pem) if own else None
    broker = Broker()

    server = grpc.server(futures.ThreadPoolExecutor(max_workers=16))
    broker_services.add_GRPCBrokerServicer_to_server(broker, server)
    broker_services.add_GRPCControllerServicer_to_server(Controller(), server)
    pb_services.add_BackendServicer_to_server(Backend(broker, credentials), server)
    logical_services.add_PluginVersionServicer_to_server(PluginVersion(), server)
    multiplexing_services.add_PluginMultiplexingServicer_to_server(Multiplexing(), server)
    health_services.add_HealthServicer_to_server(Health(), server)

    folder = os.environ.get('PLUGIN_UNIX_SOCKET_DIR') or tempfile.gettempdir()
    path = os.path.join(folder, f'plugin{secrets.randbelow(10**9)}')
    if own:
        secure = grpc.ssl_server_credentials([(own.key, own.pem)], host, require_client_auth=True)
        server.add_secure_port(f'unix:{path}', secure)
    else:
        server.add_insecure_port(f'unix:{path}')
    server.start()
    certificate = base64.b64encode(own.der).decode().rstrip('=') if own else ''
    handshake_out.write(f'1|5|unix|{path}|grpc|{certificate}\n')
    handshake_out.flush()
    server.wait_for_termination()


if __name__ == '__main__':
    main()
