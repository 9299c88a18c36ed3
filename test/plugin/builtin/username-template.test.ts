import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileUsernameTemplate, DEFAULT_TEMPLATE } from '../../../lib/plugin/builtin/postgresql/username-template.ts'
import { PluginRefusal } from '../../../lib/plugin/refusal.ts'

const PARTS = { displayName: 'token-Alice', roleName: 'readonly-app' }

const MADE: readonly (readonly [template: string, expected: RegExp])[] = [
  [DEFAULT_TEMPLATE, /^v-token-Al-readonly-[A-Za-z0-9]{20}-\d{10}$/],
  ['{{.RoleName}}_{{unix_time}}_{{random 8}}', /^readonly-app_\d{10}_[A-Za-z0-9]{8}$/],
  ['{{ .DisplayName | lowercase | truncate 7 }}', /^token-a$/],
  ['{{ uppercase .DisplayName }}', /^TOKEN-ALICE$/],
  ['{{ replace "-" "." .DisplayName }}', /^token\.Alice$/],
  ['{{ .DisplayName | replace "-" "$&" }}', /^token\$&Alice$/],
  ['{{ printf "%s-%d-%v%%" (truncate 2 .RoleName) 7 "x" }}', /^re-7-x%$/],
  ['{{ uuid }}', /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/],
  ['{{ unix_time_millis }}', /^\d{13}$/],
  ['{{ "}}\\"" }}', /^}}"$/],
  ['plain', /^plain$/],
  ['{{ printf "%s" unix_time }}', /^\d{10}$/],
]

for (const [template, expected] of MADE)
  test(`a name by ${template}`, () => assert.match(compileUsernameTemplate(template)(PARTS), expected))

const REFUSED = [
  '{{ timestamp "2006" }}',
  '{{ .Other }}',
  '{{ constructor }}',
  '{{ if .RoleName }}x{{ end }}',
  '{{ .RoleName',
  '{{ (.RoleName }}',
  '{{ .RoleName ) }}',
  '{{ .RoleName | .DisplayName }}',
  '{{ .RoleName | }}',
  '{{ }}',
  '{{ random 0 }}',
  '{{ random 100000 }}',
  '{{ truncate "x" .RoleName }}',
  '{{ printf "%q" .RoleName }}',
  '{{ printf "%s %s" .RoleName }}',
  '{{- .RoleName }}',
]

for (const template of REFUSED)
  test(`a template is refused: ${template}`, () =>
    assert.throws(() => compileUsernameTemplate(template)(PARTS), PluginRefusal))

test('what a caller is called is no template', () => {
  assert.equal(compileUsernameTemplate('{{.DisplayName}}')({ ...PARTS, displayName: '{{random 8}}' }), '{{random 8}}')
})
