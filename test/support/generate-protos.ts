import { GENERATED, generateCode } from './protos.ts'

generateCode(GENERATED)
