/** Codes of a plugin host and its storage; part of the table of codes. */
export const PLUGIN_CODES = {
  ERR_PORTCULLIS_PLUGIN_UNKNOWN: {
    kind: 'PluginError',
    temporary: false,
    meaning: 'No plugin of that name, type and version stands in the catalog: register it first.',
  },
  ERR_PORTCULLIS_PLUGIN_INVALID: {
    kind: 'PluginError',
    temporary: false,
    meaning: 'A catalog entry, mount or option of a plugin host cannot be used; the message names what and why.',
  },
  ERR_PORTCULLIS_PLUGIN_HASH: {
    kind: 'PluginError',
    temporary: false,
    meaning:
      'The file is not the one that was registered: its SHA-256 differs. It was not run; treat it as tampered with, or register the new one.',
  },
  ERR_PORTCULLIS_PLUGIN_START: {
    kind: 'PluginError',
    temporary: true,
    meaning:
      'The plugin process did not come up: it ended, printed no valid handshake in time, or its connection was refused. Its log says why.',
  },
  ERR_PORTCULLIS_PLUGIN_CRASHED: {
    kind: 'PluginError',
    temporary: true,
    meaning:
      'The plugin process ended while the call was in flight; it is started anew. A call that is no read may have been carried out.',
  },
  ERR_PORTCULLIS_PLUGIN_UNAVAILABLE: {
    kind: 'PluginError',
    temporary: true,
    meaning: 'The plugin keeps crashing, so calls on this mount are refused for a while; other mounts are not touched.',
  },
  ERR_PORTCULLIS_PLUGIN_TIMEOUT: {
    kind: 'PluginError',
    temporary: true,
    meaning: 'The plugin gave no answer within the time limit. A call that is no read may have been carried out.',
  },
  ERR_PORTCULLIS_PLUGIN_PROTOCOL: {
    kind: 'PluginError',
    temporary: false,
    meaning:
      'What the plugin sent is not the plugin protocol, or not valid where it must be: bad JSON, a wrong kind, a broken frame.',
  },
  ERR_PORTCULLIS_PLUGIN_TOO_LARGE: {
    kind: 'PluginError',
    temporary: false,
    meaning: 'A message is larger than the limit of the host; the call was ended.',
  },
  ERR_PORTCULLIS_PLUGIN_ISOLATION: {
    kind: 'PluginError',
    temporary: false,
    meaning:
      'The isolation level asked for cannot be had on this machine; the message says what is missing. Nothing was started.',
  },
  ERR_PORTCULLIS_PLUGIN_DRIVER: {
    kind: 'PluginError',
    temporary: false,
    meaning: 'A database plugin refused or failed; `detail()` has its words, which can echo secrets.',
  },
  ERR_PORTCULLIS_PLUGIN_PACKAGE: {
    kind: 'PluginError',
    temporary: false,
    meaning:
      'A package that portcullis leaves to you to install is missing; the message has the command that installs it.',
  },
  ERR_PORTCULLIS_PLUGIN_INSTALL: {
    kind: 'PluginError',
    temporary: false,
    meaning: 'A plugin was not installed; the message says at which step and what to do. Nothing was left half done.',
  },
  ERR_PORTCULLIS_PLUGIN_LOCK: {
    kind: 'PluginError',
    temporary: false,
    meaning: 'What is installed differs from `plugins.lock.json`, or the lock cannot be read. Nothing was run.',
  },
  ERR_PORTCULLIS_PLUGIN_UNTRUSTED: {
    kind: 'PluginError',
    temporary: false,
    meaning:
      'Nobody said that the plugin is to be trusted, so it was not installed: look at what it asks for, then say so.',
  },
  ERR_PORTCULLIS_STORAGE_CORRUPT: {
    kind: 'StorageError',
    temporary: false,
    meaning:
      'Stored bytes are not what was written: damaged or tampered with. Nothing of them is used; restore a backup.',
  },
  ERR_PORTCULLIS_STORAGE_KEY: {
    kind: 'StorageError',
    temporary: false,
    meaning: 'The root key is missing, unsafe (mode of its file), or not the one that the storage was sealed with.',
  },
  ERR_PORTCULLIS_STORAGE_LOCKED: {
    kind: 'StorageError',
    temporary: true,
    meaning: 'Another process uses this storage.',
  },
  ERR_PORTCULLIS_STORAGE_FAILED: {
    kind: 'StorageError',
    temporary: true,
    meaning: 'The storage could not read or write; the cause says why. Nothing was acknowledged.',
  },
  ERR_PORTCULLIS_STORAGE_QUOTA: {
    kind: 'StorageError',
    temporary: false,
    meaning: 'A key, a value or a mount is larger than the quota of the host. Nothing was written.',
  },
  ERR_PORTCULLIS_STORAGE_CLOSED: {
    kind: 'StorageError',
    temporary: false,
    meaning: 'The storage is closed, or closing.',
  },
} as const
