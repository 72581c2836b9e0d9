# Installation: headers, archives, the CMake package `eddy` and its pkg-config file.

include(CMakePackageConfigHelpers)

get_property(modules GLOBAL PROPERTY EDDY_MODULES)
set(targets ${modules} eddy)
list(TRANSFORM targets PREPEND eddy_)
install(TARGETS ${targets} EXPORT eddy ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
if(IS_DIRECTORY ${PROJECT_SOURCE_DIR}/include/eddy)
  install(DIRECTORY include/eddy DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.hpp")
endif()

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/eddy)
install(EXPORT eddy NAMESPACE eddy:: FILE eddy-targets.cmake DESTINATION ${package_dir})
configure_package_config_file(cmake/eddy-config.cmake.in ${PROJECT_BINARY_DIR}/eddy-config.cmake
  INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/eddy-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/eddy-config.cmake ${PROJECT_BINARY_DIR}/eddy-config-version.cmake
  DESTINATION ${package_dir})

# The linker reads archives once, left to right: dependants first.
set(EDDY_PC_LIBS "")
foreach(name IN LISTS modules)
  get_target_property(type eddy_${name} TYPE)
  if(type STREQUAL "STATIC_LIBRARY" AND NOT name STREQUAL "testing")
    string(PREPEND EDDY_PC_LIBS "-leddy_${name} ")
  endif()
endforeach()
file(RELATIVE_PATH EDDY_PC_PREFIX /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
string(REGEX REPLACE "/$" "" EDDY_PC_PREFIX "${EDDY_PC_PREFIX}")
configure_file(cmake/eddy.pc.in ${PROJECT_BINARY_DIR}/eddy.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/eddy.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
