export type { BackendEntity, BackendWrap } from '../model/backend.ts'
export type { CredentialType, DatabaseDriver, NewUser, UpdateUser } from '../model/database.ts'
export type { JsonObject, JsonValue } from '../model/json.ts'
export type { HandlerResult, LoginAnswer, PluginAnswer, RawAnswer, SecretAnswer } from './answer.ts'
export { data, errorResponse, listOf, notFound, raw, withStatus } from './answer.ts'
export { definePlugin } from './define.ts'
export type {
  BackendDefinition,
  BackendPlugin,
  DatabaseDefinition,
  DatabasePlugin,
  LeaseChange,
  LeaseRequest,
  LoginChange,
  LoginRequest,
  Plugin,
  SecretDefinition,
} from './definition.ts'
export { durationSeconds } from './fields/duration.ts'
export type { FieldFormat, FieldSchema, FieldsSchema, ValueOf } from './fields/schema.ts'
export type { LogFields, PluginLog, PluginSystem } from './host.ts'
export type { Path, PathDefinition } from './path.ts'
export { path } from './path.ts'
export type { RefusalKind } from './refusal.ts'
export { HostError, PluginRefusal } from './refusal.ts'
export type { Caller, Context, Mount, PerMount, PluginRequest } from './request.ts'
export { perMount } from './request.ts'
export type { ServeOptions } from './serve/serve.ts'
export { serve } from './serve/serve.ts'
export type { ListPage, PluginStorage } from './storage.ts'
export type { TemplateFile, TemplateOptions } from './template/template.ts'
export { pluginTemplate } from './template/template.ts'
