// Generated from the services of `proto/`; see the script `proto`.
import type { Duplex, ServerStream, Unary } from '../grpc/method.ts'
import * as backend from './backend.ts'
import * as database from './database.ts'
import * as empty from './google/protobuf/empty.ts'
import * as health from './health.ts'
import * as logical from './logical.ts'
import * as multiplexing from './multiplexing.ts'
import * as plugin from './plugin.ts'
import * as reflection from './reflection.ts'
import * as storage from './storage.ts'
import * as system_view from './system-view.ts'

/** `logical.PluginVersion` */
export const PluginVersionService: {
  readonly version: Unary<logical.Empty, logical.VersionReply>
} = {
  version: { kind: 'unary', path: '/logical.PluginVersion/Version', request: logical.Empty, reply: logical.VersionReply },
}

/** `pb.Backend` */
export const BackendService: {
  readonly handleRequest: Unary<backend.HandleRequestArgs, backend.HandleRequestReply>
  readonly specialPaths: Unary<backend.Empty, backend.SpecialPathsReply>
  readonly handleExistenceCheck: Unary<backend.HandleExistenceCheckArgs, backend.HandleExistenceCheckReply>
  readonly cleanup: Unary<backend.Empty, backend.Empty>
  readonly invalidateKey: Unary<backend.InvalidateKeyArgs, backend.Empty>
  readonly setup: Unary<backend.SetupArgs, backend.SetupReply>
  readonly initialize: Unary<backend.InitializeArgs, backend.InitializeReply>
  readonly type: Unary<backend.Empty, backend.TypeReply>
} = {
  handleRequest: { kind: 'unary', path: '/pb.Backend/HandleRequest', request: backend.HandleRequestArgs, reply: backend.HandleRequestReply },
  specialPaths: { kind: 'unary', path: '/pb.Backend/SpecialPaths', request: backend.Empty, reply: backend.SpecialPathsReply },
  handleExistenceCheck: { kind: 'unary', path: '/pb.Backend/HandleExistenceCheck', request: backend.HandleExistenceCheckArgs, reply: backend.HandleExistenceCheckReply },
  cleanup: { kind: 'unary', path: '/pb.Backend/Cleanup', request: backend.Empty, reply: backend.Empty },
  invalidateKey: { kind: 'unary', path: '/pb.Backend/InvalidateKey', request: backend.InvalidateKeyArgs, reply: backend.Empty },
  setup: { kind: 'unary', path: '/pb.Backend/Setup', request: backend.SetupArgs, reply: backend.SetupReply },
  initialize: { kind: 'unary', path: '/pb.Backend/Initialize', request: backend.InitializeArgs, reply: backend.InitializeReply },
  type: { kind: 'unary', path: '/pb.Backend/Type', request: backend.Empty, reply: backend.TypeReply },
}

/** `dbplugin.v5.Database` */
export const DatabaseService: {
  readonly initialize: Unary<database.InitializeRequest, database.InitializeResponse>
  readonly newUser: Unary<database.NewUserRequest, database.NewUserResponse>
  readonly updateUser: Unary<database.UpdateUserRequest, database.UpdateUserResponse>
  readonly deleteUser: Unary<database.DeleteUserRequest, database.DeleteUserResponse>
  readonly type: Unary<database.Empty, database.TypeResponse>
  readonly close: Unary<database.Empty, database.Empty>
} = {
  initialize: { kind: 'unary', path: '/dbplugin.v5.Database/Initialize', request: database.InitializeRequest, reply: database.InitializeResponse },
  newUser: { kind: 'unary', path: '/dbplugin.v5.Database/NewUser', request: database.NewUserRequest, reply: database.NewUserResponse },
  updateUser: { kind: 'unary', path: '/dbplugin.v5.Database/UpdateUser', request: database.UpdateUserRequest, reply: database.UpdateUserResponse },
  deleteUser: { kind: 'unary', path: '/dbplugin.v5.Database/DeleteUser', request: database.DeleteUserRequest, reply: database.DeleteUserResponse },
  type: { kind: 'unary', path: '/dbplugin.v5.Database/Type', request: database.Empty, reply: database.TypeResponse },
  close: { kind: 'unary', path: '/dbplugin.v5.Database/Close', request: database.Empty, reply: database.Empty },
}

/** `grpc.health.v1.Health` */
export const HealthService: {
  readonly check: Unary<health.HealthCheckRequest, health.HealthCheckResponse>
  readonly watch: ServerStream<health.HealthCheckRequest, health.HealthCheckResponse>
  readonly list: Unary<health.HealthListRequest, health.HealthListResponse>
} = {
  check: { kind: 'unary', path: '/grpc.health.v1.Health/Check', request: health.HealthCheckRequest, reply: health.HealthCheckResponse },
  watch: { kind: 'server-stream', path: '/grpc.health.v1.Health/Watch', request: health.HealthCheckRequest, reply: health.HealthCheckResponse },
  list: { kind: 'unary', path: '/grpc.health.v1.Health/List', request: health.HealthListRequest, reply: health.HealthListResponse },
}

/** `pluginutil.multiplexing.PluginMultiplexing` */
export const PluginMultiplexingService: {
  readonly multiplexingSupport: Unary<multiplexing.MultiplexingSupportRequest, multiplexing.MultiplexingSupportResponse>
} = {
  multiplexingSupport: { kind: 'unary', path: '/pluginutil.multiplexing.PluginMultiplexing/MultiplexingSupport', request: multiplexing.MultiplexingSupportRequest, reply: multiplexing.MultiplexingSupportResponse },
}

/** `plugin.GRPCBroker` */
export const GRPCBrokerService: {
  readonly startStream: Duplex<plugin.ConnInfo, plugin.ConnInfo>
} = {
  startStream: { kind: 'duplex', path: '/plugin.GRPCBroker/StartStream', request: plugin.ConnInfo, reply: plugin.ConnInfo },
}

/** `plugin.GRPCController` */
export const GRPCControllerService: {
  readonly shutdown: Unary<plugin.Empty, plugin.Empty>
} = {
  shutdown: { kind: 'unary', path: '/plugin.GRPCController/Shutdown', request: plugin.Empty, reply: plugin.Empty },
}

/** `plugin.GRPCStdio` */
export const GRPCStdioService: {
  readonly streamStdio: ServerStream<empty.Empty, plugin.StdioData>
} = {
  streamStdio: { kind: 'server-stream', path: '/plugin.GRPCStdio/StreamStdio', request: empty.Empty, reply: plugin.StdioData },
}

/** `grpc.reflection.v1.ServerReflection` */
export const ServerReflectionService: {
  readonly serverReflectionInfo: Duplex<reflection.ServerReflectionRequest, reflection.ServerReflectionResponse>
} = {
  serverReflectionInfo: { kind: 'duplex', path: '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo', request: reflection.ServerReflectionRequest, reply: reflection.ServerReflectionResponse },
}

/** `pb.Storage` */
export const StorageService: {
  readonly list: Unary<storage.StorageListArgs, storage.StorageListReply>
  readonly get: Unary<storage.StorageGetArgs, storage.StorageGetReply>
  readonly put: Unary<storage.StoragePutArgs, storage.StoragePutReply>
  readonly delete: Unary<storage.StorageDeleteArgs, storage.StorageDeleteReply>
  readonly listPage: Unary<storage.StorageListPageArgs, storage.StorageListReply>
  readonly isTransactional: Unary<backend.Empty, storage.StorageIsTransactionalReply>
  readonly beginReadOnlyTx: Unary<backend.Empty, storage.StorageBeginTxReply>
  readonly beginTx: Unary<backend.Empty, storage.StorageBeginTxReply>
  readonly commit: Unary<storage.StorageCommitTxArgs, storage.StorageCommitTxReply>
  readonly rollback: Unary<storage.StorageRollbackTxArgs, storage.StorageRollbackTxReply>
} = {
  list: { kind: 'unary', path: '/pb.Storage/List', request: storage.StorageListArgs, reply: storage.StorageListReply },
  get: { kind: 'unary', path: '/pb.Storage/Get', request: storage.StorageGetArgs, reply: storage.StorageGetReply },
  put: { kind: 'unary', path: '/pb.Storage/Put', request: storage.StoragePutArgs, reply: storage.StoragePutReply },
  delete: { kind: 'unary', path: '/pb.Storage/Delete', request: storage.StorageDeleteArgs, reply: storage.StorageDeleteReply },
  listPage: { kind: 'unary', path: '/pb.Storage/ListPage', request: storage.StorageListPageArgs, reply: storage.StorageListReply },
  isTransactional: { kind: 'unary', path: '/pb.Storage/IsTransactional', request: backend.Empty, reply: storage.StorageIsTransactionalReply },
  beginReadOnlyTx: { kind: 'unary', path: '/pb.Storage/BeginReadOnlyTx', request: backend.Empty, reply: storage.StorageBeginTxReply },
  beginTx: { kind: 'unary', path: '/pb.Storage/BeginTx', request: backend.Empty, reply: storage.StorageBeginTxReply },
  commit: { kind: 'unary', path: '/pb.Storage/Commit', request: storage.StorageCommitTxArgs, reply: storage.StorageCommitTxReply },
  rollback: { kind: 'unary', path: '/pb.Storage/Rollback', request: storage.StorageRollbackTxArgs, reply: storage.StorageRollbackTxReply },
}

/** `pb.SystemView` */
export const SystemViewService: {
  readonly defaultLeaseTtl: Unary<backend.Empty, system_view.TTLReply>
  readonly maxLeaseTtl: Unary<backend.Empty, system_view.TTLReply>
  readonly tainted: Unary<backend.Empty, system_view.TaintedReply>
  readonly cachingDisabled: Unary<backend.Empty, system_view.CachingDisabledReply>
  readonly replicationState: Unary<backend.Empty, system_view.ReplicationStateReply>
  readonly responseWrapData: Unary<system_view.ResponseWrapDataArgs, system_view.ResponseWrapDataReply>
  readonly mlockEnabled: Unary<backend.Empty, system_view.MlockEnabledReply>
  readonly localMount: Unary<backend.Empty, system_view.LocalMountReply>
  readonly entityInfo: Unary<system_view.EntityInfoArgs, system_view.EntityInfoReply>
  readonly pluginEnv: Unary<backend.Empty, system_view.PluginEnvReply>
  readonly groupsForEntity: Unary<system_view.EntityInfoArgs, system_view.GroupsForEntityReply>
  readonly generatePasswordFromPolicy: Unary<system_view.GeneratePasswordFromPolicyRequest, system_view.GeneratePasswordFromPolicyReply>
  readonly clusterInfo: Unary<backend.Empty, system_view.ClusterInfoReply>
  readonly generateIdentityToken: Unary<system_view.GenerateIdentityTokenRequest, system_view.GenerateIdentityTokenResponse>
  readonly getRotationInformation: Unary<system_view.RotationInfoRequest, system_view.RotationInfoReply>
  readonly registerRotationJob: Unary<system_view.RegisterRotationJobRequest, system_view.RegisterRotationJobResponse>
  readonly registerRotationJobWithResponse: Unary<system_view.RegisterRotationJobRequest, system_view.RegisterRotationJobWithResponseReply>
  readonly deregisterRotationJob: Unary<system_view.DeregisterRotationJobRequest, backend.Empty>
} = {
  defaultLeaseTtl: { kind: 'unary', path: '/pb.SystemView/DefaultLeaseTTL', request: backend.Empty, reply: system_view.TTLReply },
  maxLeaseTtl: { kind: 'unary', path: '/pb.SystemView/MaxLeaseTTL', request: backend.Empty, reply: system_view.TTLReply },
  tainted: { kind: 'unary', path: '/pb.SystemView/Tainted', request: backend.Empty, reply: system_view.TaintedReply },
  cachingDisabled: { kind: 'unary', path: '/pb.SystemView/CachingDisabled', request: backend.Empty, reply: system_view.CachingDisabledReply },
  replicationState: { kind: 'unary', path: '/pb.SystemView/ReplicationState', request: backend.Empty, reply: system_view.ReplicationStateReply },
  responseWrapData: { kind: 'unary', path: '/pb.SystemView/ResponseWrapData', request: system_view.ResponseWrapDataArgs, reply: system_view.ResponseWrapDataReply },
  mlockEnabled: { kind: 'unary', path: '/pb.SystemView/MlockEnabled', request: backend.Empty, reply: system_view.MlockEnabledReply },
  localMount: { kind: 'unary', path: '/pb.SystemView/LocalMount', request: backend.Empty, reply: system_view.LocalMountReply },
  entityInfo: { kind: 'unary', path: '/pb.SystemView/EntityInfo', request: system_view.EntityInfoArgs, reply: system_view.EntityInfoReply },
  pluginEnv: { kind: 'unary', path: '/pb.SystemView/PluginEnv', request: backend.Empty, reply: system_view.PluginEnvReply },
  groupsForEntity: { kind: 'unary', path: '/pb.SystemView/GroupsForEntity', request: system_view.EntityInfoArgs, reply: system_view.GroupsForEntityReply },
  generatePasswordFromPolicy: { kind: 'unary', path: '/pb.SystemView/GeneratePasswordFromPolicy', request: system_view.GeneratePasswordFromPolicyRequest, reply: system_view.GeneratePasswordFromPolicyReply },
  clusterInfo: { kind: 'unary', path: '/pb.SystemView/ClusterInfo', request: backend.Empty, reply: system_view.ClusterInfoReply },
  generateIdentityToken: { kind: 'unary', path: '/pb.SystemView/GenerateIdentityToken', request: system_view.GenerateIdentityTokenRequest, reply: system_view.GenerateIdentityTokenResponse },
  getRotationInformation: { kind: 'unary', path: '/pb.SystemView/GetRotationInformation', request: system_view.RotationInfoRequest, reply: system_view.RotationInfoReply },
  registerRotationJob: { kind: 'unary', path: '/pb.SystemView/RegisterRotationJob', request: system_view.RegisterRotationJobRequest, reply: system_view.RegisterRotationJobResponse },
  registerRotationJobWithResponse: { kind: 'unary', path: '/pb.SystemView/RegisterRotationJobWithResponse', request: system_view.RegisterRotationJobRequest, reply: system_view.RegisterRotationJobWithResponseReply },
  deregisterRotationJob: { kind: 'unary', path: '/pb.SystemView/DeregisterRotationJob', request: system_view.DeregisterRotationJobRequest, reply: backend.Empty },
}

/** `pb.Events` */
export const EventsService: {
  readonly sendEvent: Unary<system_view.SendEventRequest, backend.Empty>
} = {
  sendEvent: { kind: 'unary', path: '/pb.Events/SendEvent', request: system_view.SendEventRequest, reply: backend.Empty },
}

/** `pb.Observations` */
export const ObservationsService: {
  readonly recordObservation: Unary<system_view.RecordObservationRequest, backend.Empty>
} = {
  recordObservation: { kind: 'unary', path: '/pb.Observations/RecordObservation', request: system_view.RecordObservationRequest, reply: backend.Empty },
}
